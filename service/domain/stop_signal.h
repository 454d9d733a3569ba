#ifndef SIGNALBOX_SERVICE_DOMAIN_STOP_SIGNAL_H
#define SIGNALBOX_SERVICE_DOMAIN_STOP_SIGNAL_H

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace signalbox::service {

/// Tells threads once that it is time to stop; they pause by waiting for it. Thread-safe.
class StopSignal {
 public:
  void Set() {
    const std::scoped_lock lock(mu_);
    is_set_ = true;
    set_.notify_all();
  }

  bool IsSet() const {
    const std::scoped_lock lock(mu_);
    return is_set_;
  }

  /// Waits for Set(), at most `timeout`; returns whether it came. Measured by a clock that does not
  /// jump, which is why this is not an absl::Mutex.
  bool WaitFor(absl::Duration timeout) const {
    std::unique_lock lock(mu_);
    const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
    return set_.wait_until(lock, until, [this] { return is_set_; });
  }

 private:
  mutable std::mutex mu_;
  mutable std::condition_variable set_;
  bool is_set_ = false;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_STOP_SIGNAL_H
