#ifndef SIGNALBOX_SRC_GRPC_PROCESS_H
#define SIGNALBOX_SRC_GRPC_PROCESS_H

#include "absl/status/status.h"

namespace signalbox::internal {

// gRPC does not work in a child that was forked after it was started: its threads are gone, it shares
// its epoll set with the parent, and it ends the process when it notices. So it is not touched there.

/// To be called before gRPC, or a lock of the library, is first used in this process: a lock that another
/// thread holds during a fork stays held in the child, also one inside of absl. Thread-safe, no lock.
void MarkGrpcStarted();

/// kFailedPrecondition when this process was forked from one that had started gRPC. Thread-safe.
absl::Status CheckGrpcUsable();

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_PROCESS_H
