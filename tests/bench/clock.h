#ifndef SIGNALBOX_TESTS_BENCH_CLOCK_H
#define SIGNALBOX_TESTS_BENCH_CLOCK_H

#include <chrono>
#include <cstdint>
#include <thread>

namespace signalbox::bench {

/// Nanoseconds of the monotonic clock, the same in every process.
inline int64_t Nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline int64_t FromSeconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

inline void SleepUntil(int64_t nanoseconds) {
  std::this_thread::sleep_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(nanoseconds)));
}

inline void Sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_CLOCK_H
