#ifndef SIGNALBOX_SERVICE_RPC_CALL_GUARD_H
#define SIGNALBOX_SERVICE_RPC_CALL_GUARD_H

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/domain/stop_signal.h"

namespace signalbox::service {

/// A call that can be answered in the place of a database that does not.
class GuardedCall {
 public:
  virtual ~GuardedCall() = default;

  /// Answers `status` unless the call is answered already. Thread-safe.
  virtual void GiveUp(const absl::Status& status) = 0;
};

/// Answers UNAVAILABLE to calls that are not answered within a fixed time, so that a database that
/// hangs keeps nobody waiting. Threads that are stuck in it stay stuck; callers do not.
class CallGuard {
 public:
  explicit CallGuard(absl::Duration patience) : patience_(patience) {}
  ~CallGuard() { Stop(); }

  void Start();
  void Stop();  ///< Idempotent. Calls watched later are not given up.

  /// Thread-safe, never blocks.
  void Watch(std::weak_ptr<GuardedCall> call);

  absl::Duration patience() const { return patience_; }

 private:
  void Run();

  const absl::Duration patience_;
  std::thread thread_;
  absl::Mutex mu_;
  // All wait equally long, so the oldest is always in front.
  std::deque<std::pair<absl::Time, std::weak_ptr<GuardedCall>>> calls_ ABSL_GUARDED_BY(mu_);
  StopSignal stop_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_CALL_GUARD_H
