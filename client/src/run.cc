#include "signalbox/run.h"

namespace signalbox {

std::string_view ToString(RunState state) {
  switch (state) {
    case RunState::kUnspecified:
      return "UNSPECIFIED";
    case RunState::kActive:
      return "ACTIVE";
    case RunState::kEnded:
      return "ENDED";
  }
  return "UNKNOWN";
}

std::string_view ToString(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::kUnspecified:
      return "UNSPECIFIED";
    case RunOutcome::kCompleted:
      return "COMPLETED";
    case RunOutcome::kFailed:
      return "FAILED";
    case RunOutcome::kStopped:
      return "STOPPED";
  }
  return "UNKNOWN";
}

}  // namespace signalbox
