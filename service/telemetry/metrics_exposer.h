#ifndef SIGNALBOX_SERVICE_TELEMETRY_METRICS_EXPOSER_H
#define SIGNALBOX_SERVICE_TELEMETRY_METRICS_EXPOSER_H

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/telemetry/metrics.h"

namespace signalbox::service {

/// Serves the metrics at http://ADDRESS/metrics as text for Prometheus, on threads of its own, until it
/// is destroyed.
class MetricsExposer {
 public:
  /// `address` is host:port or [v6]:port; `metrics` outlives the exposer. kFailedPrecondition: the address
  /// cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsExposer>> Start(const std::string& address,
                                                               const Metrics& metrics);
  ~MetricsExposer();

 private:
  struct Parts;
  explicit MetricsExposer(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_TELEMETRY_METRICS_EXPOSER_H
