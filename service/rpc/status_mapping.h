#ifndef SIGNALBOX_SERVICE_RPC_STATUS_MAPPING_H
#define SIGNALBOX_SERVICE_RPC_STATUS_MAPPING_H

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace signalbox::service {

/// The two libraries use the same numbers. kAborted and kDeadlineExceeded, which mean that somebody
/// was in the way, are UNAVAILABLE outside: try again. The text of an internal error stays inside; it
/// is logged here, where it ends.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_STATUS_MAPPING_H
