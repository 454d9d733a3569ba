#ifndef SIGNALBOX_TESTS_BENCH_WINDOW_H
#define SIGNALBOX_TESTS_BENCH_WINDOW_H

#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "tests/bench/latencies.h"

namespace signalbox::bench {

/// How long to measure, and whose CPU besides the own.
struct WindowOptions {
  double warm_up = 1;  ///< Seconds that do not count.
  double seconds = 5;
  pid_t server_pid = 0;
};

/// Adds --warm-up, --seconds and --server-pid.
void AddWindowFlags(CLI::App* command, WindowOptions& options);

/// CPU time of the generator, of the server, and of its Postgres when that is embedded, since a moment.
class CpuMeter {
 public:
  explicit CpuMeter(pid_t server_pid);

  /// {"client_cpu_us", "server_cpu_us", "children_cpu_us"} for each of `operations`.
  nlohmann::json PerOperation(double operations) const;

 private:
  pid_t server_pid_;
  double client_;
  double server_;
  double children_;
};

/// {"rate", "count", "p50_us", "p99_us", …} of what was done in so many nanoseconds. An operation may
/// count as `weight`; the latencies are those of operations.
nlohmann::json Summary(const Latencies& latencies, int64_t nanoseconds, const CpuMeter& cpu,
                       double weight = 1);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_WINDOW_H
