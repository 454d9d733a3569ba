#ifndef SIGNALBOX_TESTS_SUPPORT_MANUAL_CLOCK_H
#define SIGNALBOX_TESTS_SUPPORT_MANUAL_CLOCK_H

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace signalbox::service {

/// A clock that moves only when it is told to. Thread-safe.
class ManualClock {
 public:
  absl::Time Now() const { return absl::FromUnixMicros(now_us_.load()); }
  void Advance(absl::Duration duration) { now_us_ += absl::ToInt64Microseconds(duration); }

  /// For constructors that take a clock; the clock must outlive what it is given to.
  std::function<absl::Time()> AsFunction() const {
    return [this] { return Now(); };
  }

 private:
  std::atomic<int64_t> now_us_{1'777'000'000'000'000};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_SUPPORT_MANUAL_CLOCK_H
