#ifndef SIGNALBOX_SRC_SYNC_POLICY_H
#define SIGNALBOX_SRC_SYNC_POLICY_H

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backoff.h"
#include "clock.h"
#include "signalbox/connection_state.h"

namespace signalbox::internal {

/// Decides when an inbox opens its stream, gives it up, and refreshes by GetAll. Pure: told what
/// happened and what time it is; acts on nothing. Not thread-safe.
///
///                 opened               first synced progress
///     Connecting ────────▶ Opening ─────────────────────────▶ Streaming
///         ▲                   │                                   │
///         │ backoff over      │ ended, or silent for              │ the same
///         │                   ▼ silence_timeout                   │
///         └──────────────── Waiting ◀─────────────────────────────┘
///
///     From any state: OnRunEnded() leads to Ended, where nothing is done any more.
///
/// In every state but Streaming it refreshes, about once per refresh_interval, side by side with
/// all this: neither delays the other. While Streaming it refreshes only when the stream has been
/// silent for half of silence_timeout, or when WantRefresh() asks for it.
class SyncPolicy {
 public:
  struct Options {
    absl::Duration refresh_interval = absl::Seconds(5);
    /// The longest wait is 5.6 s then: with the call on top, whatever is published arrives within 6 s.
    double refresh_jitter = 0.12;
    absl::Duration silence_timeout = absl::Seconds(15);
    /// Between two openings of the stream.
    Backoff::Options backoff;
    /// A stream that was synced for this long makes the next backoff start afresh.
    absl::Duration stable_time = absl::Seconds(10);
    /// How often an old server is asked again whether it knows Subscribe.
    absl::Duration unimplemented_wait = absl::Minutes(1);
  };

  enum class Step { kOpenStream, kCancelStream, kRefresh, kWait };
  struct Action {
    Step step;
    Instant until = Never();  ///< kWait: when to ask again, unless something happens before.
  };

  SyncPolicy(Options options, RandomFraction random, Instant now);

  /// What to do now. Carry it out, tell of it by the calls below, and ask again until it is kWait.
  Action Decide(Instant now) const;

  void OnStreamOpening(Instant now);
  void OnStreamHeard(Instant now);
  void OnProgress(Instant now, bool synced, bool stale);
  void OnStreamEnded(Instant now, const absl::Status& why);
  void OnRunEnded(Instant now);

  void OnRefreshStarted(Instant now);
  void OnRefreshed(Instant now);
  void OnRefreshFailed(Instant now, const absl::Status& why);

  /// Asks for a refresh whatever the state of the stream.
  void WantRefresh() { refresh_wanted_ = true; }

  ConnectionState State(Instant now) const;

  /// The latest instant for which it is proved that what was pending then has been received; Never()
  /// negated when there is no proof yet.
  Instant ProvedAt() const { return proved_at_; }

  /// Time since the server last proved that nothing was missing.
  absl::Duration Age(Instant now) const;

  /// Why the stream is not healthy, or the refresh failed; OK when all is well.
  absl::Status LastError() const;

  bool IsSynced() const { return stream_ == Stream::kSynced; }

 private:
  enum class Stream { kNone, kOpening, kSynced };
  enum class Refresh { kNone, kOk, kFailed };

  Instant RefreshDue() const;
  Instant NextOpening(Instant now);
  absl::Duration Jittered(absl::Duration duration);

  const Options options_;
  const RandomFraction random_;
  Backoff backoff_;

  Stream stream_ = Stream::kNone;
  bool stale_ = false;
  bool ended_ = false;
  Instant open_at_;
  Instant opened_at_;
  Instant synced_at_;
  Instant heard_at_;
  absl::Status stream_error_;

  Refresh last_refresh_ = Refresh::kNone;
  bool refreshing_ = false;
  bool refresh_wanted_ = false;
  Instant refresh_started_at_;
  Instant refresh_not_before_;
  absl::Status refresh_error_;

  Instant proved_at_ = -Never();
  Instant fresh_at_ = -Never();
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_SYNC_POLICY_H
