#ifndef SIGNALBOX_TESTS_SUPPORT_MANUAL_EXECUTOR_H
#define SIGNALBOX_TESTS_SUPPORT_MANUAL_EXECUTOR_H

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "service/domain/executor.h"

namespace signalbox::service {

/// Keeps what is submitted until the test runs it, on the test's thread. Thread-safe.
class ManualExecutor final : public Executor {
 public:
  absl::Status Submit(std::function<void()> task) override {
    absl::MutexLock lock(&mu_);
    if (refusal_.ok()) waiting_.push_back(std::move(task));
    return refusal_;
  }

  /// Runs the oldest task; false when there is none.
  bool RunOne() {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      if (waiting_.empty()) return false;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
    return true;
  }

  /// Runs everything, also what the tasks submit themselves; returns how many there were.
  int RunAll() {
    int count = 0;
    while (RunOne()) ++count;
    return count;
  }

  size_t waiting() const {
    absl::MutexLock lock(&mu_);
    return waiting_.size();
  }

  /// Answers every Submit() with this from now on.
  void Refuse(absl::Status status) {
    absl::MutexLock lock(&mu_);
    refusal_ = std::move(status);
  }

 private:
  mutable absl::Mutex mu_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mu_);
  absl::Status refusal_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_SUPPORT_MANUAL_EXECUTOR_H
