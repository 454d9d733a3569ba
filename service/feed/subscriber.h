#ifndef SIGNALBOX_SERVICE_FEED_SUBSCRIBER_H
#define SIGNALBOX_SERVICE_FEED_SUBSCRIBER_H

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "service/domain/message_log.h"
#include "service/domain/run_changes.h"

namespace signalbox::service {

/// Everything up to `position` was sent.
struct ProgressEvent {
  Position position;
  int64_t head_sequence = 0;
  bool synced = false;
  bool stale = false;
};

struct RunEndedEvent {
  RunOutcome outcome = RunOutcome::kUnspecified;
};

using FeedEvent = std::variant<MessagePtr, Withdrawal, ProgressEvent, RunEndedEvent>;

/// What one stream has sent and what it sends next. Holds a position and at most one RunChanges, so
/// that its memory does not depend on how slow its reader is. Pure, not thread-safe.
///
/// A message is sent if it is pending when its turn comes; a withdrawal is told for each message
/// sent, and for those up to the position the stream started from.
class Subscriber {
 public:
  /// `start` is the position of a cursor, or zero for everything that is pending. No keys: all.
  Subscriber(const Position& start, std::vector<std::string> keys, absl::Duration progress_interval)
      : position_(start), keys_(keys.begin(), keys.end()), progress_interval_(progress_interval) {}

  /// Everything up to here was sent.
  const Position& position() const { return position_; }

  /// Whether Take() may be called: nothing is left to send of what was taken before.
  bool IsIdle() const { return changes_ == nullptr; }

  /// Takes note of what happened since position(). Precondition: IsIdle(), and `changes` begins there.
  void Take(std::shared_ptr<const RunChanges> changes);

  /// The next message, withdrawal or end of what was taken; nothing when all of it was returned.
  std::optional<FeedEvent> NextChange(absl::Time now);

  /// A progress if one is due: the first when the stream has caught up, whenever staleness changes,
  /// and then one in each interval. `caught_up`: nothing after position() is known of.
  std::optional<FeedEvent> NextProgress(absl::Time now, bool caught_up, bool stale, int64_t known_head);

  /// What the last progress said.
  bool HasSaidStale() const { return announced_stale_; }

  /// When the next progress is due at the latest. The first interval begins with the first call of
  /// NextProgress().
  absl::Time NextProgressTime() const {
    return last_progress_ == absl::InfinitePast() ? absl::InfiniteFuture()
                                                  : last_progress_ + progress_interval_;
  }

 private:
  bool Wants(const std::string& key) const { return keys_.empty() || keys_.contains(key); }
  bool Sends(const Message& message, absl::Time now);
  bool Tells(const Withdrawal& withdrawal);

  Position position_;
  const absl::flat_hash_set<std::string> keys_;
  const absl::Duration progress_interval_;

  std::shared_ptr<const RunChanges> changes_;
  size_t next_withdrawal_ = 0;
  size_t next_message_ = 0;

  // Passed over because their time was over; their withdrawal, when it is written down, is not told.
  absl::flat_hash_set<int64_t> passed_over_;

  bool announced_sync_ = false;
  bool announced_stale_ = false;
  absl::Time last_progress_ = absl::InfinitePast();
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_SUBSCRIBER_H
