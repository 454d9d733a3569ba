#include "tests/bench/sequential.h"

#include "tests/bench/clock.h"

namespace signalbox::bench {
namespace {

absl::Status RunUntil(int64_t end, const std::function<absl::Status()>& operation, Latencies& latencies) {
  for (int64_t began = Nanoseconds(); began < end;) {
    if (absl::Status status = operation(); !status.ok()) return status;
    const int64_t now = Nanoseconds();
    latencies.Add(now - began);
    began = now;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<nlohmann::json> RunSequentially(const WindowOptions& options,
                                               const std::function<absl::Status()>& operation,
                                               double weight) {
  Latencies ignored;
  absl::Status status = RunUntil(Nanoseconds() + FromSeconds(options.warm_up), operation, ignored);
  if (!status.ok()) return status;
  Latencies latencies;
  const CpuMeter cpu(options.server_pid);
  const int64_t begin = Nanoseconds();
  status = RunUntil(begin + FromSeconds(options.seconds), operation, latencies);
  const bool is_used_up = absl::IsOutOfRange(status) && latencies.count() > 0;
  if (!status.ok() && !is_used_up) return status;
  return Summary(latencies, Nanoseconds() - begin, cpu, weight);
}

}  // namespace signalbox::bench
