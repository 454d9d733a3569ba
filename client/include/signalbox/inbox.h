#ifndef SIGNALBOX_INBOX_H
#define SIGNALBOX_INBOX_H

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signalbox/connection_state.h"
#include "signalbox/group.h"
#include "signalbox/message.h"
#include "signalbox/options.h"

namespace signalbox {

class InboxCore;

/// A pending message as an inbox hands it out. Cheap to copy, thread-safe, may outlive its inbox;
/// acks then fail with kFailedPrecondition.
class ReceivedMessage {
 public:
  const Message& operator*() const { return *message_; }
  const Message* operator->() const { return message_.get(); }

  /// Takes the message out of the inbox at once and sends the claim, with the outcome if there is
  /// one, in the background until the server has settled it. Never waits. May be called again with
  /// an outcome after a call without one.
  ///
  /// kInvalidArgument names the field; kResourceExhausted: too many acks are under way already;
  /// kFailedPrecondition: the inbox is closed. In each case nothing was done.
  absl::Status Ack(signalbox::Ack ack = {}) const;

  /// The same, but waits for the server at most `timeout` and tells whether this process owns the
  /// claim. On kDeadlineExceeded and kUnavailable the claim goes on in the background.
  absl::StatusOr<bool> AckNow(absl::Duration timeout, signalbox::Ack ack = {}) const;

 private:
  friend class InboxCore;
  friend class Inbox;
  ReceivedMessage(std::shared_ptr<const Message> message, std::weak_ptr<InboxCore> core)
      : message_(std::move(message)), core_(std::move(core)) {}

  std::shared_ptr<const Message> message_;
  std::weak_ptr<InboxCore> core_;
};

/// What a handler did: the reply for the publisher (null when there is none), or why it failed. nullopt:
/// what it began is not over; the message is claimed, and the program acks it with an outcome later, by
/// Inbox::Receive().
using HandlerResult = absl::StatusOr<std::optional<Value>>;
using Handler = std::function<HandlerResult(const Message& message)>;

/// How fresh an inbox is.
struct InboxStatus {
  ConnectionState state = ConnectionState::kConnecting;

  /// Time since the server last proved that nothing was missing; infinite before the first proof.
  absl::Duration age = absl::InfiniteDuration();

  /// The last failure of the stream or of a refresh; OK when all is well.
  absl::Status last_error;
};

/// The pending messages of one run, kept in memory by the library's own threads.
///
/// Made by Client::OpenInbox(). Every method is thread-safe. No method but AckNow(), WaitSynced(),
/// WaitNewer(), Close() and the Dispatch() of a group waits for anything; none throws, signals or ends
/// the process. Get() and GetAll() read an immutable snapshot: no system call, no lock that is ever held
/// during I/O. Get() allocates nothing; GetAll() the vector that it returns, and nothing when nothing is
/// pending. The inbox's thread frees the messages, also those that the caller has held for longer than
/// they were pending; but no more than 1,024 of these, nor those that outlive the inbox.
///
/// Delivery is at least once: after a crash or a reconnect a message that was not acked comes again.
/// To act at most once, claim first with AckNow(); to act at least once, act and then Ack().
///
/// In a forked child an inbox is inert: it holds nothing, its state is kClosed, acks fail, and its
/// destructor touches nothing of the parent's.
class Inbox {
 public:
  ~Inbox();  // Close()
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// The oldest pending message of `key`.
  std::optional<ReceivedMessage> Get(std::string_view key) const;

  /// All pending messages in order of sequence.
  std::vector<ReceivedMessage> GetAll() const;

  /// Registers what Dispatch() does with messages of `declaration.key`, and declares the key to the
  /// server. Replaces an earlier handler of the key. kInvalidArgument names the field.
  absl::Status On(KeyDeclaration declaration, Handler handler);
  absl::Status On(std::string key, Handler handler);

  /// Runs the handlers for what is pending, in order of sequence, on this thread, each message once
  /// per process, and acks each with its outcome and `step`: kApplied with the reply, or kFailed
  /// with the text of the error; an exception counts as an error. Returns how many it ran.
  ///
  /// Only one thread dispatches at a time; a call during another, also from within a handler,
  /// returns 0.
  int Dispatch(int64_t step);

  /// The same, but runs at most `at_most` handlers; what is left waits for the next call.
  int Dispatch(int64_t step, int at_most);

  /// The same step on every process of a data-parallel job. Every process calls it at the same steps,
  /// with handlers for the same keys; the messages of process 0 are handled by all, in the same order, at
  /// the first call and then whenever `step` has passed a multiple of `every` (at least 1). A message
  /// becomes kApplied, with the reply of process 0, when every process applied it, else kFailed with a
  /// text that names who did not. Returns how many messages were handled.
  ///
  /// Waits for the other processes as their collectives do; nothing to apply costs one broadcast of 16
  /// bytes. kFailedPrecondition: this process is at another step than process 0 (one of them joined late
  /// or left out a call), or another dispatch is under way; and whatever Group::Broadcast() returns.
  absl::StatusOr<int> Dispatch(int64_t step, Group& group, int64_t every = 1);

  /// A handle on a message that a handler was given, to claim it early or to ack it after nullopt.
  /// In an inbox that does not listen its acks do nothing, because those of process 0 count.
  ReceivedMessage Receive(const Message& message) const;

  InboxStatus Status() const;

  /// The name of this process towards the server.
  const std::string& consumer() const;

  /// Waits until the inbox holds everything that was pending when this was called, at most
  /// `timeout`; false when it did not get there. Asks the server, even when the stream is healthy. For
  /// start-up and tests.
  bool WaitSynced(absl::Duration timeout) const;

  /// Waits until the inbox holds a message with a sequence above `sequence`, at most `timeout`; false
  /// when none came, and at once when none will, because the run ended, or the inbox is closed or does
  /// not listen.
  bool WaitNewer(int64_t sequence, absl::Duration timeout) const;

  /// Stops the threads and sends what acks it can; at most 2 s, whatever the network does.
  /// Idempotent. What is pending can no longer be read.
  void Close();

  /// In a forked child: starts anew, with the same options and handlers and a new consumer name; no
  /// other thread may use the inbox meanwhile. kFailedPrecondition in the process that opened it, and
  /// in a child that was forked when gRPC was running, where gRPC would end the process. An inbox that
  /// listens has started gRPC: let workers that listen be started by spawn or forkserver, and open
  /// inboxes of their own.
  absl::Status Reopen();

 private:
  friend class Client;
  explicit Inbox(std::shared_ptr<InboxCore> core);

  std::shared_ptr<InboxCore> core_;
};

}  // namespace signalbox

#endif  // SIGNALBOX_INBOX_H
