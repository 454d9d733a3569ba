#ifndef SIGNALBOX_SRC_ONE_SHOT_H
#define SIGNALBOX_SRC_ONE_SHOT_H

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace signalbox::internal {

/// A value that comes later, once. Thread-safe.
template <typename T>
class OneShot {
 public:
  /// Only the first call counts.
  void Set(T value) {
    const std::scoped_lock lock(mu_);
    if (!value_.has_value()) value_ = std::move(value);
    set_.notify_all();
  }

  /// Waits at most `timeout`; empty when the value has not come. Measured by a clock that does not
  /// jump, which is why this is not an absl::Mutex.
  std::optional<T> WaitFor(absl::Duration timeout) const {
    constexpr absl::Duration kLongest = absl::Hours(24 * 365);  // More would overflow in the library.
    std::unique_lock lock(mu_);
    const auto until =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout < kLongest ? timeout : kLongest);
    set_.wait_until(lock, until, [this] { return value_.has_value(); });
    return value_;
  }

 private:
  mutable std::mutex mu_;
  mutable std::condition_variable set_;
  std::optional<T> value_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_ONE_SHOT_H
