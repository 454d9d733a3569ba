#include "tests/bench/latencies.h"

#include <algorithm>

namespace signalbox::bench {

void Latencies::Add(const Latencies& others) {
  nanoseconds_.insert(nanoseconds_.end(), others.nanoseconds_.begin(), others.nanoseconds_.end());
}

nlohmann::json Latencies::Summary() const {
  std::vector<int64_t> sorted = nanoseconds_;
  std::ranges::sort(sorted);
  const auto microseconds = [&sorted](double part) -> nlohmann::json {
    if (sorted.empty()) return nullptr;
    const auto place = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
    return static_cast<double>(sorted[std::min(place, sorted.size() - 1)]) / 1e3;
  };
  return {{"count", sorted.size()}, {"p50_us", microseconds(0.50)}, {"p99_us", microseconds(0.99)}};
}

}  // namespace signalbox::bench
