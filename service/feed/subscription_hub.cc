#include "service/feed/subscription_hub.h"

#include <algorithm>
#include <utility>

namespace signalbox::service {
namespace {

constexpr absl::Duration kRetryPause = absl::Milliseconds(300);

absl::Status AnotherHistory() {
  return absl::OutOfRangeError(
      "the run was pruned, or the database went back to an older state; subscribe without a cursor");
}

}  // namespace

std::shared_ptr<Subscription> SubscriptionHub::Open(const Cursor& start, std::vector<std::string> keys,
                                                    std::function<void()> wake) {
  std::shared_ptr<Subscription> subscription(
      new Subscription(start, std::move(keys), options_.progress_interval, std::move(wake)));
  Subscriptions of_old_history;
  absl::Status drained;
  {
    absl::MutexLock lock(&mu_);
    drained = drained_;
    const auto it = feeds_.find(start.run_no);
    if (it != feeds_.end() && it->second->epoch != start.epoch) of_old_history = TakeFeed(start.run_no);
    std::unique_ptr<Feed>& feed = feeds_[start.run_no];
    if (feed == nullptr) {
      feed = std::make_unique<Feed>();
      feed->epoch = start.epoch;
    }
    feed->subscriptions.insert(subscription);
  }
  if (!drained.ok()) End({subscription}, drained);
  End(of_old_history, AnotherHistory());
  return subscription;
}

void SubscriptionHub::Close(const std::shared_ptr<Subscription>& subscription) {
  absl::MutexLock lock(&mu_);
  const auto it = feeds_.find(subscription->run_no_);
  if (it == feeds_.end()) return;
  it->second->subscriptions.erase(subscription);
  if (it->second->subscriptions.empty()) feeds_.erase(it);
}

// Gives the subscriber what the feed holds for it.
SubscriptionHub::View SubscriptionHub::Look(const Subscription& subscription, Subscriber& subscriber) {
  absl::MutexLock lock(&mu_);
  const auto it = feeds_.find(subscription.run_no_);
  if (it == feeds_.end()) return {};
  const RunFeed& run = it->second->run;
  const std::optional<Position>& head = run.head();
  if (!head) return {};
  View view = {.known_head = head->sequence, .is_behind = it->second->is_behind};
  if (std::shared_ptr<const RunChanges> changes = run.After(subscriber.position())) {
    subscriber.Take(std::move(changes));
  } else {
    view.caught_up = Covers(subscriber.position(), *head);
  }
  return view;
}

std::optional<FeedItem> SubscriptionHub::Next(const std::shared_ptr<Subscription>& subscription) {
  absl::MutexLock lock(&subscription->mu_);
  Subscriber& subscriber = subscription->subscriber_;
  const absl::Time now = now_();
  View view;
  while (!subscription->end_) {
    if (std::optional<FeedEvent> event = subscriber.NextChange(wall_time_())) {
      if (std::holds_alternative<RunEndedEvent>(*event)) subscription->end_ = absl::OkStatus();
      return event;
    }
    if (subscription->is_reading_) break;
    // What is kept in memory may be settled by now: a stream begins with what the log says is pending.
    view = subscription->has_snapshot_ ? Look(*subscription, subscriber) : View();
    if (subscriber.IsIdle()) {
      if (!view.caught_up)
        ReadFor(subscription, {subscription->epoch_, subscription->run_no_, subscriber.position()});
      break;
    }
    // A stream that never rests says where it is, too.
    if (now >= subscriber.NextProgressTime()) break;
  }
  if (subscription->end_) return *subscription->end_;
  // Who said "stale" takes it back when what was missed meanwhile is there, not as soon as it is known of.
  const bool is_stale = stale_.load() || (view.is_behind && subscriber.HasSaidStale());
  std::optional<FeedEvent> progress = subscriber.NextProgress(now, view.caught_up, is_stale, view.known_head);
  // Readers that are too busy to take another task are asked again soon.
  const bool must_retry = !view.caught_up && !subscription->is_reading_ && subscriber.IsIdle();
  const absl::Time wake_time =
      must_retry ? std::min(subscriber.NextProgressTime(), now + kRetryPause) : subscriber.NextProgressTime();
  subscription->wake_time_us_.store(absl::ToUnixMicros(wake_time));
  if (!progress) return std::nullopt;
  return *std::move(progress);
}

void SubscriptionHub::ReadFor(const std::shared_ptr<Subscription>& subscription, Cursor from) {
  const absl::Status submitted = readers_.Submit(
      [this, subscription, from] { OnRead(subscription, log_.ReadChanges(from, options_.page)); });
  subscription->is_reading_ = submitted.ok();
}

void SubscriptionHub::OnRead(const std::shared_ptr<Subscription>& subscription,
                             absl::StatusOr<RunChanges> changes) {
  bool is_news = false;
  if (changes.ok()) {
    absl::MutexLock lock(&mu_);
    const auto it = feeds_.find(subscription->run_no_);
    if (it != feeds_.end() && it->second->epoch == subscription->epoch_) {
      is_news = !it->second->run.Observe(changes->head) || std::exchange(it->second->is_dirty, false);
    }
  }
  {
    absl::MutexLock lock(&subscription->mu_);
    subscription->is_reading_ = false;
    if (changes.ok()) {
      subscription->has_snapshot_ = subscription->has_snapshot_ || changes->to == changes->head;
      subscription->subscriber_.Take(std::make_shared<const RunChanges>(*std::move(changes)));
    } else if (!absl::IsUnavailable(changes.status()) && !absl::IsAborted(changes.status())) {
      subscription->end_ = changes.status();
    } else {
      // The database is away: the stream stays open and the tick tries again soon.
      subscription->wake_time_us_.store(absl::ToUnixMicros(now_() + kRetryPause));
      return;
    }
  }
  if (is_news) CatchUp(subscription->run_no_);
  subscription->wake_();
}

void SubscriptionHub::OnCommit(RunChanges changes) {
  const int64_t run_no = changes.run_no;
  Subscriptions subscriptions;
  bool is_gap = false;
  {
    absl::MutexLock lock(&mu_);
    const auto it = feeds_.find(run_no);
    if (it == feeds_.end()) return;
    Feed& feed = *it->second;
    feed.is_untold = false;
    is_gap = feed.epoch != changes.epoch ||
             feed.run.Add(std::make_shared<const RunChanges>(std::move(changes))) == RunFeed::Fit::kGap;
    if (!is_gap) subscriptions.assign(feed.subscriptions.begin(), feed.subscriptions.end());
  }
  if (is_gap) return CatchUp(run_no);
  Wake(std::move(subscriptions));
}

void SubscriptionHub::OnHint(absl::Span<const int64_t> run_nos) {
  for (int64_t run_no : run_nos) {
    Told(run_no);
    CatchUp(run_no);
  }
}

void SubscriptionHub::Told(int64_t run_no) {
  absl::MutexLock lock(&mu_);
  const auto it = feeds_.find(run_no);
  if (it != feeds_.end()) it->second->is_untold = false;
}

void SubscriptionHub::OnHintsLost() { OnHint(RunsWithSubscribers()); }

int SubscriptionHub::OnHeads(absl::Span<const int64_t> asked, absl::Span<const RunHead> heads) {
  absl::flat_hash_map<int64_t, const RunHead*> by_run;
  for (const RunHead& head : heads) by_run[head.run_no] = &head;
  std::vector<int64_t> behind;
  Subscriptions of_old_history;
  int untold = 0;
  {
    absl::MutexLock lock(&mu_);
    for (int64_t run_no : asked) {
      const auto it = feeds_.find(run_no);
      if (it == feeds_.end()) continue;
      Feed& feed = *it->second;
      // A hint may be a moment behind the heads, hence not those of this time.
      if (std::exchange(feed.is_untold, false)) ++untold;
      const RunHead* head = by_run[run_no];
      const std::optional<Position>& known = feed.run.head();
      // What was committed after the heads were read may be known here already; what was known
      // before must be in them. Only a head far in the past tells of an older state, and the epoch
      // is what tells that for sure.
      if (head == nullptr || head->epoch != feed.epoch) {
        Subscriptions lost = TakeFeed(run_no);
        of_old_history.insert(of_old_history.end(), lost.begin(), lost.end());
        continue;
      }
      feed.is_behind = known && !Covers(*known, head->head);
      if (head->ended || !known || feed.is_behind) {
        behind.push_back(run_no);
        feed.is_untold = feed.is_behind && !feed.is_reading;
      }
    }
  }
  End(of_old_history, AnotherHistory());
  for (int64_t run_no : behind) CatchUp(run_no);
  return untold;
}

// Reads what the feed has missed. News that come during the read make it read once more.
void SubscriptionHub::CatchUp(int64_t run_no) {
  Cursor from;
  {
    absl::MutexLock lock(&mu_);
    const auto it = feeds_.find(run_no);
    if (it == feeds_.end()) return;
    Feed& feed = *it->second;
    // Without a head the first subscriber is still at its first read, which may be too early for the news.
    if (feed.is_reading || !feed.run.head()) {
      feed.is_dirty = true;
      return;
    }
    feed.is_reading = true;
    from = {feed.epoch, run_no, *feed.run.head()};
  }
  ReadFeed(from);
}

void SubscriptionHub::ReadFeed(Cursor from) {
  const absl::Status submitted =
      readers_.Submit([this, from] { FinishRead(from, log_.ReadChanges(from, options_.page)); });
  if (!submitted.ok()) FinishRead(from, submitted);
}

void SubscriptionHub::FinishRead(const Cursor& from, absl::StatusOr<RunChanges> changes) {
  Subscriptions subscriptions;
  absl::Status end;
  const bool is_read = changes.ok();
  bool again = false;
  {
    absl::MutexLock lock(&mu_);
    const auto it = feeds_.find(from.run_no);
    // What was read of an old history is nothing to the streams of the new one.
    if (it == feeds_.end() || it->second->epoch != from.epoch) return;
    Feed& feed = *it->second;
    feed.is_reading = false;
    again = std::exchange(feed.is_dirty, false);
    if (absl::IsOutOfRange(changes.status())) {
      end = changes.status();
      subscriptions = TakeFeed(from.run_no);
    } else if (is_read) {
      const bool is_news = changes->to != changes->from || changes->ended;
      if (is_news) {
        again = again || changes->to != changes->head;
        // A gap: a commit moved the head during the read, and the read saw even more.
        const RunFeed::Fit fit = feed.run.Add(std::make_shared<const RunChanges>(*std::move(changes)));
        again = again || fit == RunFeed::Fit::kGap;
      }
      const bool was_behind = std::exchange(feed.is_behind, feed.is_behind && again);
      if (is_news || was_behind) subscriptions.assign(feed.subscriptions.begin(), feed.subscriptions.end());
    }
  }
  if (!end.ok()) return End(subscriptions, end);
  Wake(std::move(subscriptions));
  if (again && is_read) CatchUp(from.run_no);
}

SubscriptionHub::Subscriptions SubscriptionHub::TakeFeed(int64_t run_no) {
  const auto it = feeds_.find(run_no);
  Subscriptions subscriptions(it->second->subscriptions.begin(), it->second->subscriptions.end());
  feeds_.erase(it);
  return subscriptions;
}

void SubscriptionHub::End(const Subscriptions& subscriptions, const absl::Status& status) {
  for (const std::shared_ptr<Subscription>& subscription : subscriptions) {
    {
      absl::MutexLock lock(&subscription->mu_);
      if (!subscription->end_) subscription->end_ = status;
    }
    subscription->wake_();
  }
}

void SubscriptionHub::Wake(Subscriptions subscriptions) {
  if (subscriptions.size() <= options_.max_inline_wakes) {
    for (const std::shared_ptr<Subscription>& subscription : subscriptions) subscription->wake_();
    return;
  }
  const auto all = std::make_shared<const Subscriptions>(std::move(subscriptions));
  if (!waker_.Submit([this, all] { WakeFrom(0, all); }).ok()) WakeFrom(0, all);
}

// Some now, the rest in turn with what else the waker has to do; or now, when it takes no more.
void SubscriptionHub::WakeFrom(size_t begin, const std::shared_ptr<const Subscriptions>& all) {
  while (begin < all->size()) {
    const size_t end = std::min(all->size(), begin + options_.max_wakes);
    for (; begin < end; ++begin) (*all)[begin]->wake_();
    if (end < all->size() && waker_.Submit([this, end, all] { WakeFrom(end, all); }).ok()) return;
  }
}

void SubscriptionHub::SetStale(bool stale) {
  if (stale_.exchange(stale) == stale) return;
  for (int64_t run_no : RunsWithSubscribers()) {
    Subscriptions subscriptions;
    {
      absl::MutexLock lock(&mu_);
      const auto it = feeds_.find(run_no);
      if (it == feeds_.end()) continue;
      subscriptions.assign(it->second->subscriptions.begin(), it->second->subscriptions.end());
    }
    Wake(std::move(subscriptions));
  }
}

void SubscriptionHub::WakeDue() {
  const int64_t now_us = absl::ToUnixMicros(now_());
  Subscriptions due;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [run_no, feed] : feeds_) {
      for (const std::shared_ptr<Subscription>& subscription : feed->subscriptions) {
        if (subscription->wake_time_us_.load() <= now_us) due.push_back(subscription);
      }
    }
  }
  for (const std::shared_ptr<Subscription>& subscription : due) subscription->wake_();
}

void SubscriptionHub::Drain(const absl::Status& status) {
  Subscriptions all;
  {
    absl::MutexLock lock(&mu_);
    drained_ = status;
    for (const auto& [run_no, feed] : feeds_) {
      all.insert(all.end(), feed->subscriptions.begin(), feed->subscriptions.end());
    }
  }
  End(all, status);
}

size_t SubscriptionHub::StreamCount() const {
  absl::MutexLock lock(&mu_);
  size_t count = 0;
  for (const auto& [run_no, feed] : feeds_) count += feed->subscriptions.size();
  return count;
}

std::vector<int64_t> SubscriptionHub::RunsWithSubscribers() const {
  absl::MutexLock lock(&mu_);
  std::vector<int64_t> run_nos;
  run_nos.reserve(feeds_.size());
  for (const auto& [run_no, feed] : feeds_) run_nos.push_back(run_no);
  return run_nos;
}

}  // namespace signalbox::service
