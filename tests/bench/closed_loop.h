#ifndef SIGNALBOX_TESTS_BENCH_CLOSED_LOOP_H
#define SIGNALBOX_TESTS_BENCH_CLOSED_LOOP_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/latencies.h"
#include "tests/bench/window.h"

namespace signalbox::bench {

class ClosedLoop;

/// One place in a closed loop: does one operation after the other.
class Slot {
 public:
  Slot() = default;
  virtual ~Slot() = default;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 protected:
  /// Starts the next operation and returns at once; false when there is none. Its end is told by End(),
  /// which may come on another thread.
  virtual bool Start() = 0;

  void End(const absl::Status& status);

 private:
  friend class ClosedLoop;

  ClosedLoop* loop_ = nullptr;
  int64_t began_ = 0;
  Latencies latencies_;
};

/// Keeps every slot busy until the time is over, a slot fails, or there is nothing left to do.
class ClosedLoop {
 public:
  explicit ClosedLoop(std::vector<std::unique_ptr<Slot>> slots);

  /// Blocks until all operations have ended. What ended within the window counts, each as `weight`;
  /// where the work runs out, the window ends.
  absl::StatusOr<nlohmann::json> Run(const WindowOptions& options, double weight = 1);

  /// Blocks until nothing is left to do.
  absl::Status Finish();

 private:
  friend class Slot;

  void StartAll(int64_t begin, int64_t end);
  void Next(Slot& slot);
  void Retire(const absl::Status& status);
  void WaitForRetiredBefore(int64_t deadline, int slots);
  absl::Status WaitForAll();

  const std::vector<std::unique_ptr<Slot>> slots_;
  std::atomic<int64_t> begin_{0};
  std::atomic<int64_t> end_{0};

  absl::Mutex mu_;
  int active_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_CLOSED_LOOP_H
