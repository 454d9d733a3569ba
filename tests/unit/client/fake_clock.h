#ifndef SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_CLOCK_H
#define SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_CLOCK_H

#include <vector>

#include "clock.h"

namespace signalbox::internal {

/// `seconds` after the start of the test.
inline Instant At(double seconds) { return absl::Seconds(seconds); }

/// Time that passes only when a fake sleeps on it or the test says so.
class FakeClock final : public Clock {
 public:
  Instant Now() const override { return now_; }
  void Sleep(absl::Duration duration) {
    slept.push_back(duration);
    now_ += duration;
  }
  void Advance(absl::Duration duration) { now_ += duration; }

  std::vector<absl::Duration> slept;

 private:
  Instant now_ = absl::ZeroDuration();
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_CLOCK_H
