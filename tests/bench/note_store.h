#ifndef SIGNALBOX_TESTS_BENCH_NOTE_STORE_H
#define SIGNALBOX_TESTS_BENCH_NOTE_STORE_H

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "echo.pb.h"
#include "tests/bench/group_statement.h"

namespace signalbox::bench {

/// Runs a statement for notes in groups and does nothing else: what waits while one group is being committed
/// is the next one. Two threads: one tells what became of its group while the other commits. Thread-safe.
class NoteStore {
 public:
  using Done = std::function<void(const absl::Status&)>;

  explicit NoteStore(std::unique_ptr<GroupStatement> statement);

  /// Commits what waits.
  ~NoteStore();

  /// `notes` outlive the call of `done`, which comes once, on one of the store's threads; or on this one,
  /// with kInvalidArgument, when a run_id does not end with a number below kRuns, which stands for the run.
  void Add(const std::vector<const Note*>& notes, Done done);

 private:
  struct Waiting {
    std::vector<std::pair<int64_t, const Note*>> notes;  // with their runs
    Done done;
  };

  void Run();
  absl::Status Commit(const std::vector<Waiting>& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopping_ || !waiting_.empty(); }

  absl::Mutex commit_mu_;  // held from taking a group until it is committed; before mu_
  const std::unique_ptr<GroupStatement> statement_ ABSL_PT_GUARDED_BY(commit_mu_);
  absl::Mutex mu_;
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_NOTE_STORE_H
