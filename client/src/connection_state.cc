#include "signalbox/connection_state.h"

namespace signalbox {

std::string_view ToString(ConnectionState state) {
  switch (state) {
    case ConnectionState::kConnecting:
      return "CONNECTING";
    case ConnectionState::kStreaming:
      return "STREAMING";
    case ConnectionState::kPolling:
      return "POLLING";
    case ConnectionState::kStale:
      return "STALE";
    case ConnectionState::kEnded:
      return "ENDED";
    case ConnectionState::kClosed:
      return "CLOSED";
  }
  return "UNKNOWN";
}

}  // namespace signalbox
