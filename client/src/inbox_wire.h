#ifndef SIGNALBOX_SRC_INBOX_WIRE_H
#define SIGNALBOX_SRC_INBOX_WIRE_H

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ack_outbox.h"
#include "message_stub.h"
#include "signalbox/client.h"

namespace signalbox::internal {

/// What a stream is opened with.
struct StreamRequest {
  RunRef run;
  std::vector<std::string> keys;
  std::string consumer;
  std::string cursor;
  bool waits_for_connection = true;  ///< False: a connection that is refused closes the stream at once.
};

// What can happen on the wire.

struct StreamMessage {
  Message message;
};
struct StreamWithdrawn {
  std::string message_id;
  MessageState state = MessageState::kUnspecified;
  std::string consumer;
};
struct StreamProgress {
  std::string cursor;
  int64_t head_sequence = 0;
  bool synced = false;
  bool stale = false;
  absl::Time server_time = absl::InfinitePast();  ///< InfinitePast: not told.
};
struct StreamRunEnded {
  RunOutcome outcome = RunOutcome::kUnspecified;
};
/// Something this version does not know; proves only that the stream lives.
struct StreamUnknown {};
struct StreamClosed {
  absl::Status status;
};
struct PageAnswered {
  absl::StatusOr<MessagePage> page;
};
struct AckAnswered {
  absl::StatusOr<std::vector<AckResult>> results;
};
struct DeclareAnswered {
  absl::Status status;
};
struct Woken {};
struct TimedOut {};

using WireEvent = std::variant<StreamMessage, StreamWithdrawn, StreamProgress, StreamRunEnded, StreamUnknown,
                               StreamClosed, PageAnswered, AckAnswered, DeclareAnswered, Woken, TimedOut>;

/// PORT: the network as one thread sees it, which starts calls and takes what happens one by one.
///
/// At most one stream and one call of each kind at a time. All methods but Wake() belong to one
/// thread. Only Wait() blocks; nothing throws. The destructor cancels what is under way and returns
/// within a second.
class InboxWire {
 public:
  virtual ~InboxWire() = default;

  /// StreamClosed ends it.
  virtual void OpenStream(const StreamRequest& request) = 0;

  /// Nothing more is heard of the stream, not even StreamClosed.
  virtual void CloseStream() = 0;

  /// Closes a stream that was silent for too long. Its connection may be dead without anybody's knowing,
  /// as after this process was stopped: what is started from now on goes over another one.
  virtual void AbandonStream() = 0;

  // Each is answered once, after `timeout` at the latest.
  virtual void StartGetAll(const RunRef& run, const std::vector<std::string>& keys,
                           const std::string& page_token, absl::Duration timeout) = 0;
  virtual void StartAck(const AckBatch& batch, const std::string& consumer, absl::Duration timeout) = 0;
  virtual void StartDeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                                absl::Duration timeout) = 0;

  /// Returns the next event; TimedOut when there was none for `at_most`, which may be infinite.
  virtual WireEvent Wait(absl::Duration at_most) = 0;

  /// Makes a Wait() that is under way, or else the next one, return Woken soon. Any thread.
  virtual void Wake() = 0;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_INBOX_WIRE_H
