#include "service/feed/await_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

bool IsOver(const Message& message, AwaitUntil until) {
  return until == AwaitUntil::kAcked ? message.state != MessageState::kPending : IsFinal(message.state);
}

using Found = absl::flat_hash_map<MessageId, MessagePtr>;

absl::StatusOr<MessagePtr> Find(const absl::Status& status, const Found& found, const MessageId& id) {
  if (!status.ok()) return status;
  const auto it = found.find(id);
  if (it != found.end()) return it->second;
  return absl::NotFoundError(absl::StrCat("there is no message '", Encode(id), "'"));
}

}  // namespace

AwaitRegistry::Ticket AwaitRegistry::Await(const MessageId& id, AwaitUntil until, Done done) {
  Ticket ticket = 0;
  absl::Status drained;
  {
    absl::MutexLock lock(&mu_);
    ticket = ++last_ticket_;
    drained = drained_;
    waiters_[ticket] = {id, until, std::move(done)};
    by_message_[id].insert(ticket);
  }
  drained.ok() ? Look({id}) : Drain(drained);
  return ticket;
}

void AwaitRegistry::Expire(Ticket ticket) {
  MessageId id;
  {
    absl::MutexLock lock(&mu_);
    const auto it = waiters_.find(ticket);
    if (it == waiters_.end()) return;
    it->second.is_expired = true;
    id = it->second.id;
  }
  Look({id});
}

void AwaitRegistry::Forget(Ticket ticket) {
  absl::MutexLock lock(&mu_);
  const auto it = waiters_.find(ticket);
  if (it == waiters_.end()) return;
  const auto tickets = by_message_.find(it->second.id);
  tickets->second.erase(ticket);
  if (tickets->second.empty()) by_message_.erase(tickets);
  waiters_.erase(it);
}

void AwaitRegistry::OnTouched(absl::Span<const MessageId> ids) {
  std::vector<MessageId> awaited;
  {
    absl::MutexLock lock(&mu_);
    for (const MessageId& id : ids) {
      if (by_message_.contains(id)) awaited.push_back(id);
    }
  }
  Look(std::move(awaited));
}

void AwaitRegistry::OnHint(absl::Span<const int64_t> run_nos) {
  const absl::flat_hash_set<int64_t> runs(run_nos.begin(), run_nos.end());
  std::vector<MessageId> awaited;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [id, tickets] : by_message_) {
      if (runs.contains(id.run_no)) awaited.push_back(id);
    }
  }
  Look(std::move(awaited));
}

void AwaitRegistry::RecheckAll() {
  std::vector<MessageId> awaited;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [id, tickets] : by_message_) awaited.push_back(id);
  }
  Look(std::move(awaited));
}

void AwaitRegistry::Look(std::vector<MessageId> ids) {
  if (ids.empty()) return;
  auto shared = std::make_shared<const std::vector<MessageId>>(std::move(ids));
  const absl::Status submitted =
      readers_.Submit([this, shared] { OnRead(*shared, log_.ReadMessages(*shared)); });
  if (!submitted.ok()) OnRead(*shared, submitted);
}

void AwaitRegistry::OnRead(const std::vector<MessageId>& ids,
                           const absl::StatusOr<std::vector<MessagePtr>>& messages) {
  Found found;
  if (messages.ok()) {
    for (const MessagePtr& message : *messages) found[message->id] = message;
  }
  std::vector<std::pair<Done, absl::StatusOr<MessagePtr>>> over;
  {
    absl::MutexLock lock(&mu_);
    for (const MessageId& id : ids) {
      const auto tickets = by_message_.find(id);
      if (tickets == by_message_.end()) continue;
      for (auto it = tickets->second.begin(); it != tickets->second.end();) {
        Waiter& waiter = waiters_[*it];
        absl::StatusOr<MessagePtr> result = Find(messages.status(), found, id);
        // Without an answer from the database a wait goes on, unless its time is over.
        const bool is_over = waiter.is_expired || absl::IsNotFound(result.status()) ||
                             (result.ok() && IsOver(**result, waiter.until));
        if (!is_over) {
          ++it;
          continue;
        }
        over.emplace_back(std::move(waiter.done), std::move(result));
        waiters_.erase(*it);
        tickets->second.erase(it++);
      }
      if (tickets->second.empty()) by_message_.erase(tickets);
    }
  }
  for (auto& [done, result] : over) done(std::move(result));
}

size_t AwaitRegistry::size() const {
  absl::MutexLock lock(&mu_);
  return waiters_.size();
}

void AwaitRegistry::Drain(const absl::Status& status) {
  std::map<Ticket, Waiter> waiters;
  {
    absl::MutexLock lock(&mu_);
    drained_ = status;
    waiters.swap(waiters_);
    by_message_.clear();
  }
  for (auto& [ticket, waiter] : waiters) waiter.done(status);
}

}  // namespace signalbox::service
