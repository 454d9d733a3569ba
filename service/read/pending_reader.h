#ifndef SIGNALBOX_SERVICE_READ_PENDING_READER_H
#define SIGNALBOX_SERVICE_READ_PENDING_READER_H

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/domain/executor.h"
#include "service/domain/message_log.h"
#include "service/read/pending_view.h"
#include "service/read/snapshot_cache.h"

namespace signalbox::service {

/// Reads what is pending in runs, in groups: what is asked for while one statement is under way shares
/// the next. Every read asks the database, which only says "as you know it" where nothing has changed
/// since the last one: a read sees all that returned before it began, whichever server that went through.
///
/// A run with more pending than is worth keeping is read by itself, page by page.
///
/// Thread-safe; no call blocks. Each `done` is called exactly once, on a thread of the executor or, when
/// the read is refused at once, on the caller's. kNotFound: no such run. kUnavailable: too much is
/// waiting, or the deadline passed before the read began. Other errors are those of MessageLog.
class PendingReader {
 public:
  struct Options {
    size_t max_waiting = 20000;
    size_t group_runs = 200;              ///< In one statement.
    ReadLimit limit = {1000, 256 << 10};  ///< Of one snapshot.
    size_t cache_bytes = 64 << 20;
  };

  PendingReader(MessageLog& log, Executor& executor, Options options, std::function<absl::Time()> now)
      : log_(log),
        executor_(executor),
        options_(options),
        now_(std::move(now)),
        cache_(options.cache_bytes) {}

  void ReadPending(const RunRef& run, const std::string& key, absl::Time deadline,
                   std::function<void(const absl::StatusOr<PendingOfKey>&)> done);
  void ListPending(const PendingQuery& query, absl::Time deadline,
                   std::function<void(const absl::StatusOr<PendingPage>&)> done);

 private:
  // Gets a view whose snapshot is not whole when there is more than `Options::limit`.
  using Done = std::function<void(const absl::StatusOr<PendingView>&)>;

  struct Waiting {
    RunRef run;
    absl::Time deadline;
    Done done;
  };
  /// All that wait for one run.
  struct Shared {
    PendingRead read;
    std::string name;
    std::vector<Done> dones;
  };

  template <typename Answer, typename FromView, typename FromLog>
  void Read(const RunRef& run, absl::Time deadline, std::function<void(const absl::StatusOr<Answer>&)> done,
            FromView from_view, FromLog from_log);
  void Enqueue(Waiting waiting) ABSL_LOCKS_EXCLUDED(mu_);
  void ReadAll();
  std::vector<Shared> TakeGroup(std::vector<Done>& late) ABSL_LOCKS_EXCLUDED(mu_);
  void ReadGroup(std::vector<Shared> group);

  MessageLog& log_;
  Executor& executor_;
  const Options options_;
  const std::function<absl::Time()> now_;
  SnapshotCache cache_;  // of the one task that reads

  absl::Mutex mu_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  bool is_reading_ ABSL_GUARDED_BY(mu_) = false;  // a task is submitted, and not at its end
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_READ_PENDING_READER_H
