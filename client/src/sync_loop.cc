#include "sync_loop.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace signalbox::internal {
namespace {

// Far more than any server's limit of pending messages: a server that never stops is broken.
constexpr int kMaxPages = 1000;

// Whether declaring the same keys again may help.
bool IsFinalForDeclare(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
         absl::IsResourceExhausted(status) || absl::IsUnimplemented(status);
}

}  // namespace

SyncLoop::SyncLoop(Options options, InboxShared& shared, InboxWire& wire, Clock& clock,
                   const RandomFraction& random)
    : options_(std::move(options)),
      shared_(shared),
      wire_(wire),
      clock_(clock),
      policy_(options_.policy, random, clock.Now()),
      declare_backoff_(options_.declare_backoff, random) {}

void SyncLoop::Run() {
  while (!IsClosing()) Turn();
  Close();
}

void SyncLoop::Turn() {
  const Instant now = clock_.Now();
  AskForProof();
  Steer(now);
  SendAcks(now);
  DeclareKeys(now);
  WireEvent event = wire_.Wait(std::max(NextTimer(now) - clock_.Now(), absl::ZeroDuration()));
  const Instant then = clock_.Now();
  std::visit([&](auto& what) { On(then, std::move(what)); }, event);
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.state.Expire(then);
    shared_.state.FreeUnread();
  }
  Report(then);
}

void SyncLoop::Close() {
  wire_.CloseStream();
  const Instant deadline = clock_.Now() + options_.closing_time;
  while (true) {
    const Instant now = clock_.Now();
    SendAcks(now);
    Instant next_attempt;
    {
      const absl::MutexLock lock(&shared_.mu);
      if (shared_.outbox.IsEmpty() || now >= deadline) break;
      next_attempt = shared_.outbox.NextAttempt();
    }
    WireEvent event = wire_.Wait(std::max(std::min(next_attempt, deadline) - now, absl::ZeroDuration()));
    if (const auto* answered = std::get_if<AckAnswered>(&event)) On(clock_.Now(), *answered);
  }
  const absl::MutexLock lock(&shared_.mu);
  shared_.outbox.Abandon(absl::CancelledError("the inbox was closed; the ack may or may not have arrived"));
  for (const SyncWaiter& waiter : shared_.sync_waiters) waiter.reached->Set(false);
  shared_.sync_waiters.clear();
  shared_.state.Clear();
  shared_.report.state = ConnectionState::kClosed;
  shared_.TellNewer();
}

bool SyncLoop::IsClosing() const {
  const absl::MutexLock lock(&shared_.mu);
  return shared_.closing;
}

void SyncLoop::Steer(Instant now) {
  while (true) {
    switch (policy_.Decide(now).step) {
      case SyncPolicy::Step::kOpenStream:
        OpenStream(now);
        break;
      case SyncPolicy::Step::kCancelStream:
        CancelStream(now);
        break;
      case SyncPolicy::Step::kRefresh:
        StartRefresh(now);
        break;
      case SyncPolicy::Step::kWait:
        return;
    }
  }
}

void SyncLoop::OpenStream(Instant now) {
  std::string cursor;
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.state.OnStreamOpening();
    cursor = shared_.state.cursor();
  }
  wire_.OpenStream({options_.run, options_.keys, options_.consumer, cursor});
  policy_.OnStreamOpening(now);
}

void SyncLoop::CancelStream(Instant now) {
  wire_.AbandonStream();
  policy_.OnStreamEnded(now, absl::DeadlineExceededError("the stream was silent for too long"));
}

void SyncLoop::StartRefresh(Instant now) {
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.state.OnRefreshStarted();
  }
  refreshed_.clear();
  pages_ = 0;
  wire_.StartGetAll(options_.run, options_.keys, "", options_.call_timeout);
  policy_.OnRefreshStarted(now);
}

void SyncLoop::SendAcks(Instant now) {
  std::optional<AckBatch> batch;
  {
    const absl::MutexLock lock(&shared_.mu);
    batch = shared_.outbox.StartBatch(now);
  }
  if (batch.has_value()) wire_.StartAck(*batch, options_.consumer, options_.call_timeout);
}

void SyncLoop::DeclareKeys(Instant now) {
  if (declaring_ || now < declare_not_before_) return;
  std::vector<KeyDeclaration> declarations;
  {
    const absl::MutexLock lock(&shared_.mu);
    if (shared_.declarations_version == declared_version_) return;
    declaring_version_ = shared_.declarations_version;
    declarations = shared_.declarations;
  }
  declaring_ = true;
  wire_.StartDeclareKeys(options_.run, declarations, options_.call_timeout);
}

void SyncLoop::AskForProof() {
  const absl::MutexLock lock(&shared_.mu);
  auto& waiters = shared_.sync_waiters;
  const Instant proved_at = policy_.ProvedAt();
  const auto is_reached = [proved_at](const SyncWaiter& waiter) {
    if (proved_at < waiter.since) return false;
    waiter.reached->Set(true);
    return true;
  };
  std::erase_if(waiters, is_reached);
  if (!waiters.empty()) policy_.WantRefresh();
}

Instant SyncLoop::NextTimer(Instant now) {
  Instant next = policy_.Decide(now).until;
  const absl::MutexLock lock(&shared_.mu);
  next = std::min({next, shared_.outbox.NextAttempt(), shared_.state.NextExpiry()});
  const bool has_new_keys = shared_.declarations_version != declared_version_;
  return has_new_keys && !declaring_ ? std::min(next, declare_not_before_) : next;
}

void SyncLoop::Report(Instant now) {
  absl::Status error = policy_.LastError();
  if (error.ok()) error = ack_error_;
  if (error.ok()) error = declare_error_;
  const absl::MutexLock lock(&shared_.mu);
  shared_.report = {policy_.State(now), now - policy_.Age(now), std::move(error)};
  shared_.TellNewer();
}

void SyncLoop::On(Instant now, StreamMessage event) {
  policy_.OnStreamHeard(now);
  const absl::MutexLock lock(&shared_.mu);
  shared_.state.OnStreamMessage(std::move(event.message));
}

void SyncLoop::On(Instant now, const StreamWithdrawn& event) {
  policy_.OnStreamHeard(now);
  const absl::MutexLock lock(&shared_.mu);
  shared_.state.OnWithdrawn(event.message_id);
}

void SyncLoop::On(Instant now, const StreamProgress& event) {
  policy_.OnProgress(now, event.synced, event.stale);
  const absl::MutexLock lock(&shared_.mu);
  if (event.server_time != absl::InfinitePast()) shared_.state.SetServerTime(event.server_time, now);
  shared_.state.OnProgress(event.cursor, event.head_sequence, event.synced && !event.stale);
}

void SyncLoop::On(Instant now, const StreamRunEnded&) {
  wire_.CloseStream();
  policy_.OnRunEnded(now);
  const absl::MutexLock lock(&shared_.mu);
  shared_.state.Clear();
}

void SyncLoop::On(Instant now, const StreamUnknown&) { policy_.OnStreamHeard(now); }

void SyncLoop::On(Instant now, const StreamClosed& event) {
  policy_.OnStreamEnded(now, event.status);
  // The cursor is of no more use to the server: the next stream starts with everything pending.
  const bool is_refused = absl::IsOutOfRange(event.status) || absl::IsInvalidArgument(event.status);
  const absl::MutexLock lock(&shared_.mu);
  if (is_refused) shared_.state.DropCursor();
}

void SyncLoop::On(Instant now, PageAnswered event) {
  absl::Status status = event.page.status();
  if (status.ok() && ++pages_ > kMaxPages) status = absl::InternalError("GetAll never came to an end");
  if (!status.ok()) {
    policy_.OnRefreshFailed(now, status);
    const absl::MutexLock lock(&shared_.mu);
    shared_.state.OnRefreshAbandoned();
    return;
  }
  std::move(event.page->messages.begin(), event.page->messages.end(), std::back_inserter(refreshed_));
  if (!event.page->next_page_token.empty()) {
    wire_.StartGetAll(options_.run, options_.keys, event.page->next_page_token, options_.call_timeout);
    return;
  }
  policy_.OnRefreshed(now);
  const absl::MutexLock lock(&shared_.mu);
  shared_.state.OnRefreshed(std::exchange(refreshed_, {}));
}

void SyncLoop::On(Instant now, const AckAnswered& event) {
  ack_error_ = event.results.status();
  const absl::MutexLock lock(&shared_.mu);
  Settle(event.results.ok() ? shared_.outbox.OnAnswered(*event.results, now)
                            : shared_.outbox.OnFailed(event.results.status(), now));
}

void SyncLoop::Settle(const std::vector<AckOutbox::Settled>& settled) {
  for (const AckOutbox::Settled& ack : settled) {
    if (ack.is_last) shared_.state.OnSettled(ack.message_id);
  }
}

void SyncLoop::On(Instant now, const DeclareAnswered& event) {
  declaring_ = false;
  declare_error_ = event.status;
  if (event.status.ok() || IsFinalForDeclare(event.status)) {
    declared_version_ = declaring_version_;
    declare_backoff_.Reset();
    return;
  }
  declare_not_before_ = now + declare_backoff_.Next();
}

}  // namespace signalbox::internal
