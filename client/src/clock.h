#ifndef SIGNALBOX_SRC_CLOCK_H
#define SIGNALBOX_SRC_CLOCK_H

#include "absl/time/time.h"

namespace signalbox::internal {

/// A point in time: how long after the start of a clock that never jumps. Infinite means never.
using Instant = absl::Duration;

inline Instant Never() { return absl::InfiniteDuration(); }

/// The time that all waiting is measured by. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Never goes back, whatever happens to the wall clock, and goes on while the machine sleeps.
  virtual Instant Now() const = 0;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_CLOCK_H
