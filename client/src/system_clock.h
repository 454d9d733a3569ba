#ifndef SIGNALBOX_SRC_SYSTEM_CLOCK_H
#define SIGNALBOX_SRC_SYSTEM_CLOCK_H

#include "clock.h"

namespace signalbox::internal {

/// The clock of the machine.
class SystemClock final : public Clock {
 public:
  /// The one instance; never destroyed, so that it may be used during exit.
  static SystemClock& Instance();

  Instant Now() const override;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_SYSTEM_CLOCK_H
