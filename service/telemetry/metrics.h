#ifndef SIGNALBOX_SERVICE_TELEMETRY_METRICS_H
#define SIGNALBOX_SERVICE_TELEMETRY_METRICS_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

// What the server counts for its operators. Plain numbers; MetricsExposer knows what they are called
// outside. Everything here is thread-safe and never blocks.

namespace signalbox::service {

/// Only grows.
class Counter {
 public:
  void Add(int64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// How much of something there is now.
class Gauge {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// How often calls, or the parts of one, ended with each status code.
class OutcomeCounter {
 public:
  static constexpr int kCodes = 17;  // OK … UNAUTHENTICATED, as in gRPC

  void Add(absl::StatusCode code, int64_t count = 1) {
    counts_[static_cast<size_t>(code) % kCodes].Add(count);
  }
  int64_t value(absl::StatusCode code) const { return counts_[static_cast<size_t>(code)].value(); }

 private:
  std::array<Counter, kCodes> counts_;
};

/// How often a value fell at or below each of some bounds, in increasing order, and above all of them.
class Histogram {
 public:
  static constexpr size_t kBounds = 10;

  explicit Histogram(const std::array<double, kBounds>& bounds) : bounds_(bounds) {}

  void Observe(double value) {
    size_t bucket = 0;
    while (bucket < kBounds && value > bounds_[bucket]) ++bucket;
    buckets_[bucket].Add();
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  const std::array<double, kBounds>& bounds() const { return bounds_; }
  /// Not cumulative; `bucket` kBounds holds what is above all bounds.
  int64_t count(size_t bucket) const { return buckets_[bucket].value(); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::array<double, kBounds> bounds_;
  std::array<Counter, kBounds + 1> buckets_;
  std::atomic<double> sum_{0};
};

/// Every metric of the server.
struct Metrics {
  Gauge database_up;           ///< 1 while the database answers.
  Gauge database_connections;  ///< Sessions for reading and writing that are open or being opened.
  Gauge notify_healthy;        ///< 1 while the listening session hears its own probes.
  Counter sweep_finds;         ///< Runs with news that a NOTIFY should have told of.
  Gauge streams_open;
  Gauge awaits_open;
  Gauge writes_waiting;  ///< Publishes and acks that no commit has taken yet.
  OutcomeCounter publishes;
  OutcomeCounter acks;
  Histogram commit_group_size{{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}};
  Histogram commit_seconds{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5}};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_TELEMETRY_METRICS_H
