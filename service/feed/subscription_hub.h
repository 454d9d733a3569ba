#ifndef SIGNALBOX_SERVICE_FEED_SUBSCRIPTION_HUB_H
#define SIGNALBOX_SERVICE_FEED_SUBSCRIPTION_HUB_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/domain/executor.h"
#include "service/domain/message_log.h"
#include "service/feed/run_feed.h"
#include "service/feed/subscriber.h"

namespace signalbox::service {

/// What a stream has to write next: an event, or the status to end with.
using FeedItem = std::variant<FeedEvent, absl::Status>;

/// One open stream as the hub sees it. Opaque to its owner.
class Subscription {
 private:
  friend class SubscriptionHub;
  Subscription(const Cursor& start, std::vector<std::string> keys, absl::Duration progress_interval,
               std::function<void()> wake)
      : run_no_(start.run_no),
        epoch_(start.epoch),
        wake_(std::move(wake)),
        subscriber_(start.position, std::move(keys), progress_interval) {}

  const int64_t run_no_;
  const int64_t epoch_;
  const std::function<void()> wake_;
  std::atomic<int64_t> wake_time_us_{0};  // when the next progress is due

  absl::Mutex mu_;
  Subscriber subscriber_ ABSL_GUARDED_BY(mu_);
  bool is_reading_ ABSL_GUARDED_BY(mu_) = false;
  bool has_snapshot_ ABSL_GUARDED_BY(mu_) = false;        // it has read up to a head of the log
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);  // what the stream ends with
};

/// Connects what happens to runs with the streams that want to know.
///
/// News come as commits of this replica, as hints that another replica committed, and as heads that
/// the sweep read; only commits are taken at their word, everything else makes the hub read the log.
/// A stream is told to look (`wake`), and takes its next item when it can write it: nothing is queued
/// for it, so a slow one costs no more than a fast one.
///
/// Thread-safe. No call blocks: reading the log is left to `readers`, waking many streams to
/// `waker`. `wake` is called without any lock, on any thread, and may call Next().
class SubscriptionHub {
 public:
  struct Options {
    absl::Duration progress_interval = absl::Milliseconds(4500);  // the promise is 5 s
    // One page of a stream that reads the log: what a slow stream may hold.
    ReadLimit page = {.rows = 128, .bytes = 64 << 10};
    // More streams than this on one run are woken by `waker`, not by the committing thread.
    size_t max_inline_wakes = 16;
    // So many at a time, some milliseconds of writes: then others may have the thread.
    size_t max_wakes = 256;
  };

  SubscriptionHub(MessageLog& log, Executor& readers, Executor& waker, Options options,
                  std::function<absl::Time()> now, std::function<absl::Time()> wall_time)
      : log_(log),
        readers_(readers),
        waker_(waker),
        options_(options),
        now_(std::move(now)),
        wall_time_(std::move(wall_time)) {}

  /// Opens a stream of `start.run_no`; it begins after `start.position`, which zero makes everything
  /// that is pending. Registered before its first read, so that no commit falls in between.
  std::shared_ptr<Subscription> Open(const Cursor& start, std::vector<std::string> keys,
                                     std::function<void()> wake);
  void Close(const std::shared_ptr<Subscription>& subscription);

  /// What to write next; nothing: wait for the next wake. After a status nothing follows.
  std::optional<FeedItem> Next(const std::shared_ptr<Subscription>& subscription);

  // News.
  void OnCommit(RunChanges changes);
  void OnHint(absl::Span<const int64_t> run_nos);
  void OnHintsLost();

  /// Returns how many runs were found behind the heads of the last time and have not been told of since.
  int OnHeads(absl::Span<const int64_t> asked, absl::Span<const RunHead> heads);

  /// Whether the database answers; while it does not, progress says `stale`. A stream that said so, and has
  /// no read of its own under way, goes on saying it until what the first heads after that told of is there.
  void SetStale(bool stale);

  /// Wakes the streams whose progress is due.
  void WakeDue();

  /// Ends every stream, and every one opened from now on, with `status`.
  void Drain(const absl::Status& status);

  std::vector<int64_t> RunsWithSubscribers() const;
  size_t StreamCount() const;

 private:
  struct Feed {
    int64_t epoch = 0;
    RunFeed run;
    bool is_reading = false;
    bool is_dirty = false;   // news came during a read, or before the first
    bool is_behind = false;  // by the last heads the log holds more, and it has not been read since
    bool is_untold = false;  // the last heads were news that neither a hint nor a commit has told of
    absl::flat_hash_set<std::shared_ptr<Subscription>> subscriptions;
  };
  // Of a feed, as a stream finds it.
  struct View {
    bool caught_up = false;  // the stream has all that is known
    int64_t known_head = 0;
    bool is_behind = false;
  };
  using Subscriptions = std::vector<std::shared_ptr<Subscription>>;

  void Told(int64_t run_no);
  void CatchUp(int64_t run_no);
  void ReadFeed(Cursor from);
  void FinishRead(const Cursor& from, absl::StatusOr<RunChanges> changes);
  void ReadFor(const std::shared_ptr<Subscription>& subscription, Cursor from)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(subscription->mu_);
  void OnRead(const std::shared_ptr<Subscription>& subscription, absl::StatusOr<RunChanges> changes);
  void End(const Subscriptions& subscriptions, const absl::Status& status);
  void Wake(Subscriptions subscriptions);
  void WakeFrom(size_t begin, const std::shared_ptr<const Subscriptions>& all);
  View Look(const Subscription& subscription, Subscriber& subscriber);
  Subscriptions TakeFeed(int64_t run_no) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  MessageLog& log_;
  Executor& readers_;
  Executor& waker_;
  const Options options_;
  const std::function<absl::Time()> now_;        // for intervals
  const std::function<absl::Time()> wall_time_;  // for what expires
  std::atomic<bool> stale_{false};

  // Taken after a Subscription's mutex, never before.
  mutable absl::Mutex mu_;
  absl::flat_hash_map<int64_t, std::unique_ptr<Feed>> feeds_ ABSL_GUARDED_BY(mu_);
  absl::Status drained_ ABSL_GUARDED_BY(mu_);  // OK until Drain()
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_SUBSCRIPTION_HUB_H
