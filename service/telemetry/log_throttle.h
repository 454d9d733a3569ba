#ifndef SIGNALBOX_SERVICE_TELEMETRY_LOG_THROTTLE_H
#define SIGNALBOX_SERVICE_TELEMETRY_LOG_THROTTLE_H

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace signalbox::service {

/// Keeps an event that repeats from flooding the log: admits one per interval and counts the others.
///   if (auto left_out = throttle.Admit(now)) LogWarning("database_lost", {{"left_out", *left_out}});
/// Thread-safe. Owned by whoever logs the event.
class LogThrottle {
 public:
  explicit LogThrottle(absl::Duration interval) : interval_(interval) {}

  /// The number of events left out since the last admitted one; unset when this one is to be left out.
  std::optional<int64_t> Admit(absl::Time now);

 private:
  const absl::Duration interval_;
  absl::Mutex mu_;
  absl::Time last_admitted_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  int64_t left_out_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_TELEMETRY_LOG_THROTTLE_H
