#include "service/rpc/subscribe_reactor.h"

#include <utility>

#include "absl/time/clock.h"

namespace signalbox::service {

grpc::ServerWriteReactor<grpc::ByteBuffer>* SubscribeReactor::Start(const ServiceParts& parts,
                                                                    EventBytes& event_bytes,
                                                                    absl::StatusOr<SubscribeQuery> query) {
  const std::shared_ptr<SubscribeReactor> reactor(new SubscribeReactor(parts, event_bytes));
  reactor->self_ = reactor;
  if (!query.ok()) {
    reactor->FinishOnce(query.status());
    return reactor.get();
  }
  parts.guard.Watch(reactor);
  const absl::Status submitted =
      parts.workers.Submit([reactor, query = *std::move(query)] { reactor->Open(query); });
  if (!submitted.ok()) reactor->GiveUp(submitted);
  return reactor.get();
}

void SubscribeReactor::Open(const SubscribeQuery& query) {
  if (!IsAwaited()) return GiveUp(absl::CancelledError("the subscriber has gone"));
  const absl::StatusOr<Cursor> start = FindStart(query);
  if (!start.ok()) return GiveUp(start.status());
  const std::shared_ptr<Subscription> subscription = Register(*start, query);
  if (!TakeOpening()) return parts_.hub.Close(subscription);
  cursor_ = *start;
  subscription_ = subscription;
  Pump();
}

absl::StatusOr<Cursor> SubscribeReactor::FindStart(const SubscribeQuery& query) const {
  const absl::StatusOr<RunInfo> run = parts_.log.FindRun(query.run);
  if (!run.ok()) return run.status();
  Cursor start = {.epoch = run->epoch, .run_no = run->run_no};
  if (query.cursor) {
    if (query.cursor->epoch != run->epoch) {
      return absl::OutOfRangeError(
          "cursor is of a history that the database no longer has; subscribe without one");
    }
    if (query.cursor->run_no != run->run_no) return absl::InvalidArgumentError("cursor is of another run");
    start = *query.cursor;
  }
  if (!query.declare_keys.empty()) {
    absl::Status declared = parts_.runs.DeclareKeys(query.run, query.declare_keys).status();
    // On an ended run the stream itself says so.
    if (!declared.ok() && !absl::IsFailedPrecondition(declared)) return declared;
  }
  return start;
}

std::shared_ptr<Subscription> SubscribeReactor::Register(const Cursor& start, const SubscribeQuery& query) {
  return parts_.hub.Open(start, query.keys, [weak = weak_from_this()] {
    if (const std::shared_ptr<SubscribeReactor> reactor = weak.lock()) reactor->Wake();
  });
}

// Whether the caller, and nobody before, ended the opening.
bool SubscribeReactor::TakeOpening() {
  absl::MutexLock lock(&mu_);
  return std::exchange(is_opening_, false);
}

// After an outage many wait here that nobody waits for any more.
bool SubscribeReactor::IsAwaited() {
  absl::MutexLock lock(&mu_);
  return is_opening_ && !is_cancelled_;
}

void SubscribeReactor::GiveUp(const absl::Status& status) {
  if (TakeOpening()) FinishOnce(status);
}

void SubscribeReactor::Wake() {
  {
    absl::MutexLock lock(&mu_);
    if (is_busy_) {
      is_woken_ = true;
      return;
    }
    is_busy_ = true;
  }
  Pump();
}

// Gives up being in charge, unless somebody left a note.
bool SubscribeReactor::MayRest() {
  absl::MutexLock lock(&mu_);
  if (is_cancelled_ || std::exchange(is_woken_, false)) return false;
  is_busy_ = false;
  return true;
}

void SubscribeReactor::Pump() {
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      if (is_cancelled_) break;
      is_woken_ = false;
    }
    std::optional<FeedItem> item = parts_.hub.Next(subscription_);
    if (!item) {
      if (MayRest()) return;
      continue;
    }
    if (const auto* end = std::get_if<absl::Status>(&*item)) return FinishOnce(*end);
    event_ = event_bytes_.Of(std::get<FeedEvent>(*item), cursor_, absl::Now());
    StartWrite(&event_);
    return;  // OnWriteDone goes on
  }
  FinishOnce(absl::CancelledError("the subscriber has gone"));
}

void SubscribeReactor::OnWriteDone(bool ok) {
  if (!ok) return FinishOnce(absl::CancelledError("the subscriber has gone"));
  event_.Clear();  // so that a stream that rests keeps no message
  Pump();
}

void SubscribeReactor::OnCancel() {
  {
    absl::MutexLock lock(&mu_);
    is_cancelled_ = true;
    if (is_busy_) return;  // who is in charge will see it
    is_busy_ = true;
  }
  FinishOnce(absl::CancelledError("the subscriber has gone"));
}

// Only who is in charge calls it, and stays in charge for ever.
void SubscribeReactor::FinishOnce(const absl::Status& status) { Finish(ToGrpc(status)); }

void SubscribeReactor::OnDone() {
  if (subscription_ != nullptr) parts_.hub.Close(subscription_);
  const std::shared_ptr<SubscribeReactor> last =
      std::move(self_);  // may delete this, after the member is empty
}

}  // namespace signalbox::service
