#ifndef SIGNALBOX_SERVICE_RPC_COMPLETION_THREADS_H
#define SIGNALBOX_SERVICE_RPC_COMPLETION_THREADS_H

#include <grpcpp/generic/generic_stub.h>

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "service/domain/executor.h"

namespace signalbox::service {

/// Runs tasks on the threads on which gRPC takes completions: for what starts many operations there. When any
/// other thread starts an operation that completes at once, one of these has to be woken for it, which costs
/// a fifth of a write; while one of them is at work, few are.
///
/// gRPC has no call for that. A call on a channel that cannot connect fails at once, and where its end is
/// told the task runs. All calls of the server have these threads in common, so a task is short and never
/// blocks.
///
/// Thread-safe.
class CompletionThreads final : public Executor {
 public:
  /// At most so many tasks wait or run.
  explicit CompletionThreads(int max_tasks);
  ~CompletionThreads() override { Stop(); }

  /// kUnavailable: there are too many already, or it is stopping.
  absl::Status Submit(std::function<void()> task) override;

  /// Waits for what was submitted. Idempotent; not called by a task.
  void Stop();

 private:
  struct Call;

  void Done();
  bool IsIdle() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return under_way_ == 0; }

  const int max_tasks_;
  grpc::GenericStub stub_;

  absl::Mutex mu_;
  int under_way_ ABSL_GUARDED_BY(mu_) = 0;
  bool is_stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_COMPLETION_THREADS_H
