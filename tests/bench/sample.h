#ifndef SIGNALBOX_TESTS_BENCH_SAMPLE_H
#define SIGNALBOX_TESTS_BENCH_SAMPLE_H

#include <atomic>
#include <cstdint>
#include <string>

namespace signalbox::bench {

/// How many runs a publish is spread over, unless told otherwise; the same for all systems.
inline constexpr int kRuns = 10'000;

inline constexpr char kKey[] = "metrics";

/// A value of so many bytes, JSON when it is long enough to be; the number makes it differ.
std::string SampleValue(int64_t number, int bytes = 100);

/// 0, 1, 2, …; thread-safe.
class Counter {
 public:
  int64_t Next() { return next_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> next_{0};
};

/// One of `runs` places for the number; neighbours are far from each other, as unrelated publishers are.
inline int64_t Spread(int64_t number, int64_t runs) { return number * 7919 % runs; }

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_SAMPLE_H
