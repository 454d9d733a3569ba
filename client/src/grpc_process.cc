#include "grpc_process.h"

#include <atomic>

#include "fork_guard.h"

namespace signalbox::internal {
namespace {

// Of the process that started gRPC first; null while nobody did. Never freed.
std::atomic<const ForkGuard*> started_in{nullptr};

}  // namespace

void MarkGrpcStarted() {
  if (started_in.load() != nullptr) return;
  const auto* guard = new ForkGuard;
  const ForkGuard* none = nullptr;
  if (!started_in.compare_exchange_strong(none, guard)) delete guard;
}

absl::Status CheckGrpcUsable() {
  const ForkGuard* guard = started_in.load();
  if (guard == nullptr || !guard->InForkedChild()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "this process was forked after gRPC was started, which does not work in the child; fork before the "
      "first "
      "call, or start child processes by spawn or forkserver");
}

}  // namespace signalbox::internal
