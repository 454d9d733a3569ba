#include "signalbox/message.h"

namespace signalbox {

std::string_view ToString(Kind kind) {
  switch (kind) {
    case Kind::kUnspecified:
      return "UNSPECIFIED";
    case Kind::kCommand:
      return "COMMAND";
    case Kind::kSetting:
      return "SETTING";
  }
  return "UNKNOWN";
}

std::string_view ToString(MessageState state) {
  switch (state) {
    case MessageState::kUnspecified:
      return "UNSPECIFIED";
    case MessageState::kPending:
      return "PENDING";
    case MessageState::kAcked:
      return "ACKED";
    case MessageState::kApplied:
      return "APPLIED";
    case MessageState::kFailed:
      return "FAILED";
    case MessageState::kSuperseded:
      return "SUPERSEDED";
    case MessageState::kCancelled:
      return "CANCELLED";
    case MessageState::kExpired:
      return "EXPIRED";
    case MessageState::kUndelivered:
      return "UNDELIVERED";
  }
  return "UNKNOWN";
}

bool IsFinal(MessageState state) {
  return state != MessageState::kUnspecified && state != MessageState::kPending &&
         state != MessageState::kAcked;
}

}  // namespace signalbox
