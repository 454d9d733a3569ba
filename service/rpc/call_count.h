#ifndef SIGNALBOX_SERVICE_RPC_CALL_COUNT_H
#define SIGNALBOX_SERVICE_RPC_CALL_COUNT_H

#include <atomic>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace signalbox::service {

/// How many calls and streams are under way. Thread-safe.
class CallCount {
 public:
  /// Member of a call: counts it for as long as it lives.
  class Token {
   public:
    explicit Token(CallCount& count) : count_(count) { count_.Add(); }
    ~Token() { count_.Remove(); }
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
  bool IsNone() const { return count_.load() == 0; }

  void Add() { count_.fetch_add(1, std::memory_order_relaxed); }

  void Remove() {
    if (count_.fetch_sub(1) > 1) return;
    const absl::MutexLock lock(&mu_);  // whose release makes AwaitNone() look again
  }

  absl::Mutex mu_;  // only to wait with
  std::atomic<int> count_{0};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_CALL_COUNT_H
