#include "retry.h"

namespace signalbox::internal {

bool IsRetryable(absl::StatusCode code) { return code == absl::StatusCode::kUnavailable; }

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
