#include "sync_policy.h"

#include <algorithm>
#include <utility>

namespace signalbox::internal {
namespace {

// A server that restarts, or a stream that has only just been opened, is given this part of the
// refresh interval before the first refresh.
constexpr double kGrace = 0.2;

}  // namespace

SyncPolicy::SyncPolicy(Options options, RandomFraction random, Instant now)
    : options_(options), random_(std::move(random)), backoff_(options.backoff, random_), open_at_(now) {
  refresh_not_before_ = now + Jittered(options_.refresh_interval * kGrace);
}

SyncPolicy::Action SyncPolicy::Decide(Instant now) const {
  if (ended_) return {Step::kWait, Never()};
  const bool is_open = stream_ != Stream::kNone;
  const Instant stream_due = is_open ? heard_at_ + options_.silence_timeout : open_at_;
  if (now >= stream_due) return {is_open ? Step::kCancelStream : Step::kOpenStream};
  const Instant refresh_due = refreshing_ ? Never() : RefreshDue();
  if (now >= refresh_due) return {Step::kRefresh};
  return {Step::kWait, std::min(stream_due, refresh_due)};
}

Instant SyncPolicy::RefreshDue() const {
  if (refresh_wanted_) return last_refresh_ == Refresh::kFailed ? refresh_not_before_ : -Never();
  if (stream_ != Stream::kSynced) return refresh_not_before_;
  // The server speaks every third of silence_timeout: half of it without a word is suspicious.
  return std::max(refresh_not_before_, heard_at_ + options_.silence_timeout / 2);
}

absl::Duration SyncPolicy::Jittered(absl::Duration duration) {
  return duration * (1 - options_.refresh_jitter + 2 * options_.refresh_jitter * random_());
}

void SyncPolicy::OnStreamOpening(Instant now) {
  stream_ = Stream::kOpening;
  stale_ = false;
  opened_at_ = now;
  heard_at_ = now;
}

void SyncPolicy::OnStreamHeard(Instant now) { heard_at_ = now; }

void SyncPolicy::OnProgress(Instant now, bool synced, bool stale) {
  heard_at_ = now;
  stale_ = stale;
  if (!synced || stale) return;
  if (stream_ == Stream::kOpening) {
    stream_ = Stream::kSynced;
    synced_at_ = now;
    proved_at_ = std::max(proved_at_, opened_at_);
    last_refresh_ = Refresh::kNone;
  }
  fresh_at_ = now;
  stream_error_ = absl::OkStatus();
  refresh_error_ = absl::OkStatus();
}

void SyncPolicy::OnStreamEnded(Instant now, const absl::Status& why) {
  const bool was_synced = stream_ == Stream::kSynced;
  if (was_synced && now - synced_at_ >= options_.stable_time) backoff_.Reset();
  stream_ = Stream::kNone;
  stale_ = false;
  stream_error_ = why.ok() ? absl::UnavailableError("the server ended the stream") : why;
  open_at_ = absl::IsUnimplemented(why) ? now + Jittered(options_.unimplemented_wait) : NextOpening(now);
  if (was_synced) {
    refresh_not_before_ = std::max(refresh_not_before_, now + Jittered(options_.refresh_interval * kGrace));
  }
}

// The backoff limits how often streams are opened. One that lived for longer, or waited so long for a
// connection, is replaced soon, though not by all inboxes at once.
Instant SyncPolicy::NextOpening(Instant now) {
  const absl::Duration wait = backoff_.Next();
  return std::max(opened_at_ + wait, now + std::min(wait, 2 * options_.backoff.min));
}

void SyncPolicy::OnRunEnded(Instant now) {
  ended_ = true;
  stream_ = Stream::kNone;
  stream_error_ = absl::OkStatus();
  refresh_error_ = absl::OkStatus();
  fresh_at_ = now;
  proved_at_ = Never();  // Nothing can be missing any more.
}

void SyncPolicy::OnRefreshStarted(Instant now) {
  refreshing_ = true;
  refresh_started_at_ = now;
  refresh_not_before_ = now + Jittered(options_.refresh_interval);
}

void SyncPolicy::OnRefreshed(Instant) {
  refreshing_ = false;
  refresh_wanted_ = false;
  last_refresh_ = Refresh::kOk;
  refresh_error_ = absl::OkStatus();
  proved_at_ = std::max(proved_at_, refresh_started_at_);
  fresh_at_ = std::max(fresh_at_, refresh_started_at_);
}

void SyncPolicy::OnRefreshFailed(Instant, const absl::Status& why) {
  refreshing_ = false;
  last_refresh_ = Refresh::kFailed;
  refresh_error_ = why;
}

ConnectionState SyncPolicy::State(Instant now) const {
  if (ended_) return ConnectionState::kEnded;
  if (stale_) return ConnectionState::kStale;
  if (stream_ == Stream::kSynced && now - heard_at_ < options_.silence_timeout) {
    return ConnectionState::kStreaming;
  }
  if (last_refresh_ == Refresh::kOk) return ConnectionState::kPolling;
  if (fresh_at_ == -Never()) return ConnectionState::kConnecting;
  return last_refresh_ == Refresh::kFailed ? ConnectionState::kStale : ConnectionState::kPolling;
}

absl::Duration SyncPolicy::Age(Instant now) const { return now - fresh_at_; }

absl::Status SyncPolicy::LastError() const { return refresh_error_.ok() ? stream_error_ : refresh_error_; }

}  // namespace signalbox::internal
