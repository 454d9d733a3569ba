#include "service/domain/steady_now.h"

#include <ctime>

namespace signalbox::service {

absl::Time SteadyNow() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::TimeFromTimespec(now);
}

}  // namespace signalbox::service
