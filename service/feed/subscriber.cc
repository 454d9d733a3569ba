#include "service/feed/subscriber.h"

#include <algorithm>
#include <utility>

namespace signalbox::service {

void Subscriber::Take(std::shared_ptr<const RunChanges> changes) {
  changes_ = std::move(changes);
  next_withdrawal_ = 0;
  next_message_ = 0;
}

bool Subscriber::Tells(const Withdrawal& withdrawal) {
  if (passed_over_.erase(withdrawal.id.sequence) > 0) return false;
  return Wants(withdrawal.key);
}

bool Subscriber::Sends(const Message& message, absl::Time now) {
  if (!Wants(message.key)) return false;
  if (message.expire_time > now && message.state == MessageState::kPending) return true;
  passed_over_.insert(message.id.sequence);
  return false;
}

std::optional<FeedEvent> Subscriber::NextChange(absl::Time now) {
  if (changes_ == nullptr) return std::nullopt;
  while (next_withdrawal_ < changes_->withdrawals.size()) {
    const Withdrawal& withdrawal = changes_->withdrawals[next_withdrawal_++];
    if (Tells(withdrawal)) return withdrawal;
  }
  while (next_message_ < changes_->messages.size()) {
    const MessagePtr& message = changes_->messages[next_message_++];
    if (Sends(*message, now)) return message;
  }
  position_.Advance(changes_->to);
  const std::optional<RunOutcome> ended = changes_->ended;
  changes_ = nullptr;
  if (ended) return RunEndedEvent{*ended};
  return std::nullopt;
}

std::optional<FeedEvent> Subscriber::NextProgress(absl::Time now, bool caught_up, bool stale,
                                                  int64_t known_head) {
  if (last_progress_ == absl::InfinitePast()) last_progress_ = now;
  const bool due = now >= NextProgressTime() || (caught_up && !announced_sync_) || stale != announced_stale_;
  if (!due) return std::nullopt;
  announced_sync_ = announced_sync_ || caught_up;
  announced_stale_ = stale;
  last_progress_ = now;
  return ProgressEvent{position_, caught_up ? position_.sequence : std::max(known_head, position_.sequence),
                       caught_up, stale};
}

}  // namespace signalbox::service
