#include "system_clock.h"

#include <ctime>

namespace signalbox::internal {

SystemClock& SystemClock::Instance() {
  static auto* const clock = new SystemClock;
  return *clock;
}

Instant SystemClock::Now() const {
  timespec now{};
  // Counts the time a laptop was asleep, so that a connection that died meanwhile is noticed at once.
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace signalbox::internal
