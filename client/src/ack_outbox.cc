#include "ack_outbox.h"

#include <iterator>
#include <utility>

#include "retry.h"

namespace signalbox::internal {
namespace {

// The server takes no more in one call.
constexpr std::size_t kMaxBatch = 1000;

}  // namespace

AckOutbox::AckOutbox(std::size_t capacity, Backoff backoff)
    : capacity_(capacity), backoff_(std::move(backoff)) {}

void AckOutbox::Add(std::string message_id, Ack ack, AckReceipt receipt) {
  ++acks_of_[message_id];
  waiting_.push_back({std::move(message_id), std::move(ack), std::move(receipt)});
}

Instant AckOutbox::NextAttempt() const {
  return waiting_.empty() || !sending_.empty() ? Never() : not_before_;
}

std::optional<AckBatch> AckOutbox::StartBatch(Instant now) {
  if (now < NextAttempt() || waiting_.empty()) return std::nullopt;
  do {
    sending_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  } while (!waiting_.empty() && sending_.size() < kMaxBatch &&
           CanShareCall(sending_.front(), waiting_.front()));

  AckBatch batch;
  batch.ack = sending_.front().ack;
  for (const Item& item : sending_) batch.message_ids.push_back(item.message_id);
  return batch;
}

bool AckOutbox::CanShareCall(const Item& a, const Item& b) const {
  return !a.alone && !b.alone && a.ack.outcome == b.ack.outcome && a.ack.step == b.ack.step &&
         a.ack.error == b.ack.error && a.ack.reply == b.ack.reply;
}

std::vector<AckOutbox::Settled> AckOutbox::OnAnswered(const std::vector<AckResult>& results, Instant now) {
  if (results.size() != sending_.size()) {
    return OnFailed(absl::InternalError("the server answered another number of acks than was sent"), now);
  }
  backoff_.Reset();
  not_before_ = now;
  std::vector<Item> done = std::exchange(sending_, {});
  std::vector<Settled> settled;
  settled.reserve(done.size());
  for (std::size_t i = 0; i < done.size(); ++i) settled.push_back(Settle(done[i], results[i].claimed));
  return settled;
}

std::vector<AckOutbox::Settled> AckOutbox::OnFailed(const absl::Status& why, Instant now) {
  if (!IsFinalForAck(why.code())) {
    PutBack();
    not_before_ = now + backoff_.Next();
    return {};
  }
  if (sending_.size() > 1) {
    for (Item& item : sending_) item.alone = true;
    PutBack();
    return {};
  }
  std::vector<Item> done = std::exchange(sending_, {});
  std::vector<Settled> settled;
  settled.reserve(done.size());
  for (Item& item : done) settled.push_back(Settle(item, why));
  return settled;
}

void AckOutbox::Abandon(const absl::Status& why) {
  PutBack();
  for (Item& item : waiting_) {
    if (item.receipt != nullptr) item.receipt->Set(why);
  }
  waiting_.clear();
  acks_of_.clear();
}

AckOutbox::Settled AckOutbox::Settle(Item& item, absl::StatusOr<bool> claimed) {
  const auto count = acks_of_.find(item.message_id);
  const bool is_last = --count->second == 0;
  if (is_last) acks_of_.erase(count);
  Settled settled{item.message_id, is_last, claimed.status()};
  if (item.receipt != nullptr) item.receipt->Set(std::move(claimed));
  return settled;
}

void AckOutbox::PutBack() {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(sending_.begin()),
                  std::make_move_iterator(sending_.end()));
  sending_.clear();
}

}  // namespace signalbox::internal
