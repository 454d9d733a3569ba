#include "watcher.h"

#include <utility>
#include <variant>

namespace signalbox::internal {
namespace {

// How often a caller who wants to stop is asked.
constexpr absl::Duration kIdleTime = absl::Milliseconds(200);

// Whether opening the stream again may help.
bool IsInterruption(const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:  // What a proxy makes of a broken connection.
    case absl::StatusCode::kUnknown:
      return true;
    default:
      return false;
  }
}

}  // namespace

Watcher::Watcher(WatchRequest request, InboxWire& wire, Clock& clock, Backoff backoff,
                 absl::Duration silence_timeout)
    : request_(std::move(request)),
      wire_(wire),
      clock_(clock),
      backoff_(std::move(backoff)),
      silence_timeout_(silence_timeout) {}

absl::Status Watcher::Run(const std::function<bool(const WatchEvent*)>& on_event) {
  do {
    OpenWhenDue(clock_.Now());
  } while (Handle(wire_.Wait(kIdleTime), on_event));
  wire_.CloseStream();
  return result_;
}

void Watcher::OpenWhenDue(Instant now) {
  if (is_open_ || now < open_at_) return;
  wire_.OpenStream({request_.run, request_.keys, "", request_.cursor, /*waits_for_connection=*/false});
  is_open_ = true;
  is_synced_ = false;
  heard_at_ = now;
}

bool Watcher::Handle(WireEvent event, const std::function<bool(const WatchEvent*)>& on_event) {
  const Instant now = clock_.Now();
  if (std::holds_alternative<TimedOut>(event)) {
    if (is_open_ && now - heard_at_ >= silence_timeout_) {
      wire_.AbandonStream();
      return HandleClosed(absl::DeadlineExceededError("the stream was silent for too long"), on_event);
    }
    return on_event(nullptr);
  }
  heard_at_ = now;
  if (const auto* progress = std::get_if<StreamProgress>(&event)) return HandleProgress(*progress, on_event);
  if (const auto* closed = std::get_if<StreamClosed>(&event)) return HandleClosed(closed->status, on_event);
  WatchEvent told;
  if (auto* message = std::get_if<StreamMessage>(&event)) {
    told.message = std::move(message->message);
    return on_event(&told);
  }
  if (auto* withdrawn = std::get_if<StreamWithdrawn>(&event)) {
    told.type = WatchEvent::Type::kWithdrawn;
    told.message.id = std::move(withdrawn->message_id);
    told.message.state = withdrawn->state;
    told.message.consumer = std::move(withdrawn->consumer);
    return on_event(&told);
  }
  if (const auto* ended = std::get_if<StreamRunEnded>(&event)) {
    told.type = WatchEvent::Type::kRunEnded;
    told.outcome = ended->outcome;
    on_event(&told);
    return false;
  }
  return on_event(nullptr);
}

bool Watcher::HandleProgress(const StreamProgress& progress,
                             const std::function<bool(const WatchEvent*)>& on_event) {
  if (!progress.cursor.empty()) request_.cursor = progress.cursor;
  if (!progress.synced || progress.stale) return on_event(nullptr);
  if (!is_synced_) backoff_.Reset();
  is_synced_ = true;
  WatchEvent told;
  told.type = WatchEvent::Type::kSynced;
  told.cursor = progress.cursor;
  return on_event(&told);
}

bool Watcher::HandleClosed(const absl::Status& why, const std::function<bool(const WatchEvent*)>& on_event) {
  is_open_ = false;
  const bool is_cursor_lost = absl::IsOutOfRange(why) && !request_.cursor.empty();
  if (is_cursor_lost) request_.cursor.clear();
  if (!IsInterruption(why) && !is_cursor_lost) {
    result_ = why;
    return false;
  }
  open_at_ = clock_.Now() + backoff_.Next();
  WatchEvent told;
  told.type = WatchEvent::Type::kInterrupted;
  told.error = why.ok() ? absl::UnavailableError("the server ended the stream") : why;
  return on_event(&told);
}

}  // namespace signalbox::internal
