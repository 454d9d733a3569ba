#ifndef SIGNALBOX_SERVICE_RPC_CALL_COUNT_H
#define SIGNALBOX_SERVICE_RPC_CALL_COUNT_H

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace signalbox::service {

/// How many calls and streams are under way. Thread-safe.
class CallCount {
 public:
  /// Member of a call: counts it for as long as it lives.
  class Token {
   public:
    explicit Token(CallCount& count) : count_(count) { count_.Add(1); }
    ~Token() { count_.Add(-1); }
    Token(const Token&) = delete;
    Token& operator=(const Token&) = delete;

   private:
    CallCount& count_;
  };

  /// Waits until there is none; whether that was so before `deadline`.
  bool AwaitNone(absl::Time deadline) {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithDeadline(absl::Condition(this, &CallCount::IsNone), deadline);
  }

 private:
  bool IsNone() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return count_ == 0; }

  void Add(int change) {
    absl::MutexLock lock(&mu_);
    count_ += change;
  }

  absl::Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_CALL_COUNT_H
