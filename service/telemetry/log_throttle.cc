#include "service/telemetry/log_throttle.h"

#include <utility>

namespace signalbox::service {

std::optional<int64_t> LogThrottle::Admit(absl::Time now) {
  const absl::MutexLock lock(&mu_);
  // A clock that was set back must not silence the log until it has caught up.
  const bool clock_went_back = now < last_admitted_;
  if (!clock_went_back && now - last_admitted_ < interval_) {
    ++left_out_;
    return std::nullopt;
  }
  last_admitted_ = now;
  return std::exchange(left_out_, 0);
}

}  // namespace signalbox::service
