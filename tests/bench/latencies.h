#ifndef SIGNALBOX_TESTS_BENCH_LATENCIES_H
#define SIGNALBOX_TESTS_BENCH_LATENCIES_H

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace signalbox::bench {

/// How long things took. Not thread-safe.
class Latencies {
 public:
  void Add(int64_t nanoseconds) { nanoseconds_.push_back(nanoseconds); }
  void Add(const Latencies& others);
  std::size_t count() const { return nanoseconds_.size(); }

  /// {"count", "p50_us", "p99_us"}; both null when there are none.
  nlohmann::json Summary() const;

 private:
  std::vector<int64_t> nanoseconds_;
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_LATENCIES_H
