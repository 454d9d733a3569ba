#ifndef SIGNALBOX_SERVICE_FEED_PERIODIC_TASK_H
#define SIGNALBOX_SERVICE_FEED_PERIODIC_TASK_H

#include <functional>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/domain/stop_signal.h"

namespace signalbox::service {

/// Calls a function again and again on a thread of its own, with a pause of `interval` in between.
class PeriodicTask {
 public:
  PeriodicTask(absl::Duration interval, std::function<void()> task)
      : interval_(interval), task_(std::move(task)) {}
  ~PeriodicTask() { Stop(); }

  /// The first call comes after `delay`.
  void Start(absl::Duration delay = absl::ZeroDuration()) {
    thread_ = std::thread([this, delay] { Run(delay); });
  }

  /// Waits for a call that is under way. Idempotent and thread-safe: every call returns when it is done.
  void Stop() {
    stop_.Set();
    absl::MutexLock lock(&stop_mu_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run(absl::Duration pause) {
    while (!stop_.WaitFor(pause)) {
      task_();
      pause = interval_;
    }
  }

  const absl::Duration interval_;
  const std::function<void()> task_;
  std::thread thread_;
  absl::Mutex stop_mu_;  // one join at a time; never held with another lock before it
  StopSignal stop_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_PERIODIC_TASK_H
