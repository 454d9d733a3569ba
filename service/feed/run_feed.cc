#include "service/feed/run_feed.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace signalbox::service {

size_t BytesOf(const RunChanges& changes) {
  size_t bytes = sizeof(RunChanges);
  for (const auto& message : changes.messages) {
    bytes += sizeof(Message) + message->value.size() + message->key.size() + message->reason.size();
  }
  for (const Withdrawal& withdrawal : changes.withdrawals) {
    bytes += sizeof(Withdrawal) + withdrawal.key.size() + withdrawal.consumer.size();
  }
  return bytes;
}

RunFeed::Fit RunFeed::Add(std::shared_ptr<const RunChanges> changes) {
  Fit fit = Fit::kNext;
  if (!head_) {
    fit = Fit::kUnknown;
  } else if (*head_ != changes->from) {
    return Covers(*head_, changes->to) && !changes->ended ? Fit::kKnown : Fit::kGap;
  }
  if (!head_) head_ = changes->from;
  head_->Advance(changes->to);
  bytes_ += BytesOf(*changes);
  records_.push_back(std::move(changes));
  while (records_.size() > kMaxRecords || (bytes_ > kMaxBytes && !records_.empty())) {
    bytes_ -= BytesOf(*records_.front());
    records_.pop_front();
  }
  return fit;
}

bool RunFeed::Observe(const Position& position) {
  if (!head_) head_ = position;
  return Covers(*head_, position);
}

std::shared_ptr<const RunChanges> RunFeed::After(const Position& position) const {
  const auto it = std::ranges::find_if(std::views::reverse(records_),
                                       [&](const auto& record) { return record->from == position; });
  return it == records_.rend() ? nullptr : *it;
}

}  // namespace signalbox::service
