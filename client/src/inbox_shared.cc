#include "inbox_shared.h"

#include <utility>

namespace signalbox::internal {

absl::Status InboxShared::AddAck(const std::string& message_id, Ack ack, AckReceipt receipt) {
  const absl::MutexLock lock(&mu);
  if (closing) return absl::FailedPreconditionError("the inbox is closed");
  if (!outbox.HasRoom(handling)) {
    return absl::ResourceExhaustedError("max_outstanding_acks: too many acks wait for the server already");
  }
  state.Take(message_id);
  outbox.Add(message_id, std::move(ack), std::move(receipt));
  return absl::OkStatus();
}

InboxShared::Beginning InboxShared::BeginHandling(const std::string& message_id) {
  const absl::MutexLock lock(&mu);
  // Asked first: a message whose handler has run must never be shown again for want of room.
  if (closing || !outbox.HasRoom(handling)) return Beginning::kNotNow;
  if (!state.Take(message_id)) return Beginning::kGone;
  ++handling;
  return Beginning::kBegun;
}

void InboxShared::FinishHandling(const std::string& message_id, Ack ack) {
  const absl::MutexLock lock(&mu);
  --handling;
  if (!closing) outbox.Add(message_id, std::move(ack), nullptr);
}

std::shared_ptr<OneShot<bool>> InboxShared::AwaitNewer(int64_t sequence) {
  auto told = std::make_shared<OneShot<bool>>();
  const absl::MutexLock lock(&mu);
  newer_waiters.push_back({sequence, told});
  TellNewer();
  return told;
}

void InboxShared::ForgetNewer(const std::shared_ptr<OneShot<bool>>& told) {
  const absl::MutexLock lock(&mu);
  std::erase_if(newer_waiters, [&](const NewerWaiter& waiter) { return waiter.told == told; });
}

void InboxShared::TellNewer() {
  const int64_t newest = state.NewestSequence();
  const bool is_over = closing || report.state == ConnectionState::kEnded;
  for (const NewerWaiter& waiter : newer_waiters) {
    if (newest > waiter.sequence || is_over) waiter.told->Set(newest > waiter.sequence);
  }
}

}  // namespace signalbox::internal
