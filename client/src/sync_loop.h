#ifndef SIGNALBOX_SRC_SYNC_LOOP_H
#define SIGNALBOX_SRC_SYNC_LOOP_H

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clock.h"
#include "inbox_shared.h"
#include "inbox_wire.h"
#include "random.h"
#include "signalbox/run.h"
#include "sync_policy.h"

namespace signalbox::internal {

/// The work of an inbox's background thread: does what SyncPolicy decides, feeds InboxState with
/// what comes in, and empties AckOutbox.
///
/// Run() belongs to one thread, which may be the only one that touches `wire` (but for Wake()). It
/// blocks nowhere but in InboxWire::Wait(), and returns within `closing_time` of `shared.closing`
/// being set and the wire woken.
class SyncLoop {
 public:
  struct Options {
    RunRef run;
    std::vector<std::string> keys;
    std::string consumer;
    SyncPolicy::Options policy;
    Backoff::Options declare_backoff{absl::Milliseconds(500), absl::Seconds(30)};
    absl::Duration call_timeout = absl::Seconds(4);
    absl::Duration closing_time = absl::Milliseconds(1200);
  };

  SyncLoop(Options options, InboxShared& shared, InboxWire& wire, Clock& clock, const RandomFraction& random);

  void Run();

  /// One round of Run(): does what is due, and waits for one event. For Run() and tests.
  void Turn();

  /// The end of Run(): closes the stream, sends what acks it can, forgets the rest.
  void Close();

 private:
  bool IsClosing() const;
  void Steer(Instant now);
  void OpenStream(Instant now);
  void CancelStream(Instant now);
  void StartRefresh(Instant now);
  void SendAcks(Instant now);
  void DeclareKeys(Instant now);
  void AskForProof();
  Instant NextTimer(Instant now);
  void Report(Instant now);

  void On(Instant now, StreamMessage event);
  void On(Instant now, const StreamWithdrawn& event);
  void On(Instant now, const StreamProgress& event);
  void On(Instant now, const StreamRunEnded& event);
  void On(Instant now, const StreamUnknown& event);
  void On(Instant now, const StreamClosed& event);
  void On(Instant now, PageAnswered event);
  void On(Instant now, const AckAnswered& event);
  void On(Instant now, const DeclareAnswered& event);
  void On(Instant, const Woken&) {}
  void On(Instant, const TimedOut&) {}
  void Settle(const std::vector<AckOutbox::Settled>& settled);

  const Options options_;
  InboxShared& shared_;
  InboxWire& wire_;
  Clock& clock_;
  SyncPolicy policy_;

  std::vector<Message> refreshed_;  // The pages of the refresh under way.
  int pages_ = 0;

  Backoff declare_backoff_;
  Instant declare_not_before_ = -Never();
  bool declaring_ = false;
  uint64_t declaring_version_ = 0;
  uint64_t declared_version_ = 0;

  absl::Status ack_error_;
  absl::Status declare_error_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_SYNC_LOOP_H
