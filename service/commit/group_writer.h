#ifndef SIGNALBOX_SERVICE_COMMIT_GROUP_WRITER_H
#define SIGNALBOX_SERVICE_COMMIT_GROUP_WRITER_H

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/commit/append_batch.h"
#include "service/commit/group.h"
#include "service/commit/worker_pool.h"
#include "service/domain/message_log.h"
#include "service/telemetry/metrics.h"

namespace signalbox::service {

/// Commits publishes and acks in groups: what arrives while one commit is in flight travels together
/// in the next. When much waits it is shared out to several commits side by side, of different runs: a run
/// has one at a time, so its writes keep their order and its subscribers hear of them in that order. A thread
/// for each commit that may be under way, and one that tells what became of a group while the next is being
/// committed.
///
/// Append(), AppendMany() and Ack() are thread-safe and never block. Each `done` is called exactly once, one
/// after the other, on one of these threads or, when the write is refused at once, on the caller's; it
/// must not block.
/// kUnavailable: too much is waiting, the deadline passed before the write began, the writer is
/// stopped, or the commit is in doubt.
class GroupWriter {
 public:
  struct Options {
    Group::Limits group;
    int commits = 2;         ///< So many may be under way at once.
    size_t worthwhile = 50;  ///< So many messages of other runs make a commit beside another worth it.
    size_t max_waiting = 20000;
    size_t max_waiting_bytes = 128 << 20;
  };

  /// `on_commit` is called after each commit and before the group's `done`s, so that subscribers
  /// hear of a message no later than its publisher; never twice at once.
  GroupWriter(MessageLog& log, Options options, std::function<absl::Time()> now, Metrics& metrics,
              std::function<void(GroupOutcome&)> on_commit);
  ~GroupWriter();

  void Start();

  /// Commits what waits, then joins. Idempotent and thread-safe: every call returns when it is done.
  void Stop();

  void Append(NewMessage draft, absl::Time deadline, std::function<void(const Appended&)> done);
  /// The publishes of one call, each with an outcome of its own; a draft that is refused already keeps its
  /// status. Messages to one run take their sequences in the order of the drafts.
  void AppendMany(std::vector<absl::StatusOr<NewMessage>> drafts, absl::Time deadline,
                  AppendBatch::Done done);
  void Ack(AckCall call, absl::Time deadline, std::function<void(const Acked&)> done);

 private:
  void Enqueue(absl::Span<PendingWrite> writes);
  void Run();
  size_t Share() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  Group TakeGroup(std::vector<PendingWrite>& late) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Release(const RunSet& runs) ABSL_LOCKS_EXCLUDED(mu_);
  void Commit(Group group);
  void CommitAlone(Group& group);
  absl::StatusOr<GroupOutcome> Apply(Group& group);
  void Tell(std::function<void()> news) ABSL_LOCKS_EXCLUDED(mu_, tell_mu_);
  void TellOutcome(Group group, std::vector<GroupOutcome> commits);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  MessageLog& log_;
  const Options options_;
  const std::function<absl::Time()> now_;
  Metrics& metrics_;
  const std::function<void(GroupOutcome&)> on_commit_;
  std::vector<std::thread> threads_;
  WorkerPool teller_{1, std::numeric_limits<size_t>::max()};
  std::atomic<int> untold_{0};  // what is being told, or waits for it
  absl::Mutex tell_mu_;         // held while something is told; never taken with mu_ held
  absl::Mutex stop_mu_;         // one join at a time; never held with another lock before it

  absl::Mutex mu_;
  std::deque<PendingWrite> waiting_ ABSL_GUARDED_BY(mu_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  size_t waiting_items_ ABSL_GUARDED_BY(mu_) = 0;
  RunSet committing_ ABSL_GUARDED_BY(mu_);       // the runs of all commits that are under way
  int commits_ ABSL_GUARDED_BY(mu_) = 0;         // how many these are
  size_t passed_over_ ABSL_GUARDED_BY(mu_) = 0;  // so many messages that wait must go on waiting
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_COMMIT_GROUP_WRITER_H
