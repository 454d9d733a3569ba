#ifndef SIGNALBOX_SERVICE_COMMIT_WORKER_POOL_H
#define SIGNALBOX_SERVICE_COMMIT_WORKER_POOL_H

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service/domain/executor.h"

namespace signalbox::service {

/// A fixed number of threads that take blocking work off gRPC's, with a bounded queue. Thread-safe.
class WorkerPool final : public Executor {
 public:
  WorkerPool(int threads, size_t max_waiting) : thread_count_(threads), max_waiting_(max_waiting) {}
  ~WorkerPool() override;

  void Start();

  /// Runs what waits, then joins. Idempotent and thread-safe: every call returns when it is done.
  void Stop();

  absl::Status Submit(std::function<void()> task) override;

 private:
  void Run();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopping_ || !waiting_.empty(); }

  const int thread_count_;
  const size_t max_waiting_;
  std::vector<std::thread> threads_;
  absl::Mutex stop_mu_;  // one join at a time; never held with another lock before it
  absl::Mutex mu_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_COMMIT_WORKER_POOL_H
