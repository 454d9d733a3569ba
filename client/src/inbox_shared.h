#ifndef SIGNALBOX_SRC_INBOX_SHARED_H
#define SIGNALBOX_SRC_INBOX_SHARED_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "ack_outbox.h"
#include "clock.h"
#include "inbox_state.h"
#include "one_shot.h"
#include "signalbox/connection_state.h"
#include "signalbox/run.h"

namespace signalbox::internal {

/// Somebody who waits for a proof that nothing which was pending at `since` is missing.
struct SyncWaiter {
  Instant since;
  std::shared_ptr<OneShot<bool>> reached;
};

/// Somebody who waits for a message above a sequence; false when none will come.
struct NewerWaiter {
  int64_t sequence;
  std::shared_ptr<OneShot<bool>> told;
};

/// How things stand, as the background thread last saw them.
struct SyncReport {
  ConnectionState state = ConnectionState::kConnecting;
  Instant fresh_at = -Never();
  absl::Status last_error;
};

/// What an inbox's background thread and its callers share.
///
/// `mu` is held for work in memory only, never during I/O, a handler or a wait. The readers of
/// `state` need no lock; everything else of it needs `mu`.
class InboxShared {
 public:
  explicit InboxShared(AckOutbox acks) : outbox(std::move(acks)) {}

  /// Hides the message and queues its ack. kFailedPrecondition: closed. kResourceExhausted: too many
  /// are under way; the message stays where it was. `ack` was checked before.
  absl::Status AddAck(const std::string& message_id, Ack ack, AckReceipt receipt) ABSL_LOCKS_EXCLUDED(mu);

  /// Hides the message for a handler, and keeps room for its ack. After kBegun FinishHandling() must
  /// follow. kGone: somebody else was faster. kNotNow: there is no room, or the inbox is closed; what
  /// comes after the message must wait too, to stay in order.
  enum class Beginning { kBegun, kGone, kNotNow };
  Beginning BeginHandling(const std::string& message_id) ABSL_LOCKS_EXCLUDED(mu);
  void FinishHandling(const std::string& message_id, Ack ack) ABSL_LOCKS_EXCLUDED(mu);

  /// Registers a waiter, or answers it at once; ForgetNewer() must follow when it has waited.
  std::shared_ptr<OneShot<bool>> AwaitNewer(int64_t sequence) ABSL_LOCKS_EXCLUDED(mu);
  void ForgetNewer(const std::shared_ptr<OneShot<bool>>& told) ABSL_LOCKS_EXCLUDED(mu);

  /// Answers the waiters whose message has come, and all of them when no more will.
  void TellNewer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  absl::Mutex mu;
  InboxState state;
  AckOutbox outbox ABSL_GUARDED_BY(mu);
  std::size_t handling ABSL_GUARDED_BY(mu) = 0;  ///< Messages whose acks have room kept for them.
  std::vector<SyncWaiter> sync_waiters ABSL_GUARDED_BY(mu);
  std::vector<NewerWaiter> newer_waiters ABSL_GUARDED_BY(mu);
  std::vector<KeyDeclaration> declarations ABSL_GUARDED_BY(mu);
  uint64_t declarations_version ABSL_GUARDED_BY(mu) = 0;
  SyncReport report ABSL_GUARDED_BY(mu);
  bool closing ABSL_GUARDED_BY(mu) = false;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_INBOX_SHARED_H
