#include "retry.h"

namespace signalbox::internal {

bool IsRetryable(absl::StatusCode code) {
  // No plain call of ours is ever cancelled by us: a server that goes away does that to calls that it
  // has not begun with.
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kCancelled;
}

bool IsFinalForAck(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return true;
    default:
      // A token may be renewed, a server repaired: everything else is worth another try.
      return false;
  }
}

}  // namespace signalbox::internal
