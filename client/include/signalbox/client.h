#ifndef SIGNALBOX_CLIENT_H
#define SIGNALBOX_CLIENT_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signalbox/inbox.h"
#include "signalbox/message.h"
#include "signalbox/options.h"
#include "signalbox/run.h"

namespace signalbox {

struct PublishRequest {
  RunRef run;
  std::string key;
  Value value;
  Kind kind = Kind::kUnspecified;
  std::string request_id;                         ///< Empty: the library makes one, which sorts by time.
  absl::Duration ttl = absl::InfiniteDuration();  ///< Infinite: never expires.
  std::string reason;
};

struct PublishResult {
  Message message;
  std::vector<std::string> superseded_ids;
};

struct GetResult {
  std::optional<Message> message;  ///< The oldest pending message of the key.
  int64_t pending_count = 0;       ///< How many messages of the key are pending.
};

struct AckResult {
  std::string message_id;
  bool claimed = false;  ///< Whether the claim belongs to the consumer of the call.
  Message message;
};

struct ListMessagesRequest {
  RunRef run;
  std::vector<std::string> keys;     ///< Empty means all.
  std::vector<MessageState> states;  ///< Empty means any.
  int limit = 100;                   ///< Most messages to return; 0 means all.
};

struct CreateRunRequest {
  std::string project;
  std::string run_id;  ///< Empty: the server makes one.
  std::string title;
  std::map<std::string, std::string> labels;
};

struct ListRunsRequest {
  std::string project;                        ///< Empty means all projects.
  RunState state = RunState::kUnspecified;    ///< Unspecified means any.
  std::map<std::string, std::string> labels;  ///< All must match.
  int limit = 100;                            ///< Most runs to return; 0 means all.
};

enum class AwaitUntil { kFinished, kAcked };

/// One event of Client::Watch(). Exactly the fields of its type are set.
struct WatchEvent {
  enum class Type { kMessage, kWithdrawn, kSynced, kInterrupted, kRunEnded };
  Type type = Type::kMessage;
  Message message;     ///< kMessage; of kWithdrawn: id, state and consumer.
  std::string cursor;  ///< kSynced: everything up to here was told; resumes a later Watch().
  absl::Status error;  ///< kInterrupted: why the stream broke; Watch() goes on by itself.
  RunOutcome outcome = RunOutcome::kUnspecified;  ///< kRunEnded.
};

struct WatchRequest {
  RunRef run;
  std::vector<std::string> keys;  ///< Empty means all.
  std::string cursor;             ///< Empty: start with everything that is pending.
};

/// Talks to one Signalbox server, or to any of its replicas.
///
/// Thread-safe. Calls block until answered or until their deadline (`timeout`, default
/// ClientOptions::call_timeout, retries included); none throws. kUnavailable and kDeadlineExceeded
/// mean that the effect may or may not have happened. Calls that fail with kUnavailable are retried
/// with backoff until the deadline; that is harmless, because request ids are made before the first
/// try. No thread and no connection exists before the first call or inbox.
///
/// A client must outlive the calls made on it, not its inboxes. In a forked child its calls fail
/// with kFailedPrecondition. A new client can be made there if the fork came before the parent's
/// first call or inbox; otherwise Create() fails with kFailedPrecondition, because gRPC does not work
/// in such a child.
class Client {
 public:
  /// kInvalidArgument names the field that is wrong. Does not connect.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Messages.

  absl::StatusOr<PublishResult> Publish(PublishRequest request,
                                        std::optional<absl::Duration> timeout = std::nullopt);

  /// Publishes many messages, to one run or to many; `results[i]` is what Publish() would have returned
  /// for `requests[i]`. A refused one does not stop the others, and those to one run are stored in their
  /// order. Sends calls of at most 1,000 requests and about 1 MiB, one after the other; tries again what
  /// is kUnavailable, before anything that follows. What was not sent within `timeout`, which is for all
  /// calls together, is kDeadlineExceeded.
  std::vector<absl::StatusOr<PublishResult>> PublishMany(
      std::vector<PublishRequest> requests, std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<GetResult> Get(const RunRef& run, const std::string& key,
                                std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<std::vector<Message>> GetAll(const RunRef& run, const std::vector<std::string>& keys = {},
                                              std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<std::vector<AckResult>> Ack(const std::vector<std::string>& message_ids,
                                             const std::string& consumer, const signalbox::Ack& ack = {},
                                             std::optional<absl::Duration> timeout = std::nullopt);

  /// Waits until the message is finished, or no longer pending, at most `wait`; returns the message
  /// as it then is. `wait` may be longer than the server's cap of 5 minutes, and infinite.
  absl::StatusOr<Message> Await(const std::string& message_id, absl::Duration wait,
                                AwaitUntil until = AwaitUntil::kFinished);
  absl::StatusOr<Message> Cancel(const std::string& message_id, const std::string& reason = "",
                                 std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<std::vector<Message>> ListMessages(const ListMessagesRequest& request,
                                                    std::optional<absl::Duration> timeout = std::nullopt);

  /// Follows a run on the calling thread until `on_event` returns false, the run ends (OK), or the
  /// server refuses for good. Reconnects by itself; after a break messages may be told again.
  /// `on_event` is also called about every 200 ms with no event (null), so that it can stop.
  absl::Status Watch(const WatchRequest& request, const std::function<bool(const WatchEvent*)>& on_event);

  // Runs.

  absl::StatusOr<Run> CreateRun(const CreateRunRequest& request,
                                std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<Run> GetRun(const RunRef& run, std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<std::vector<Run>> ListRuns(const ListRunsRequest& request,
                                            std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<Run> EndRun(const RunRef& run, RunOutcome outcome,
                             std::optional<absl::Duration> timeout = std::nullopt);
  absl::StatusOr<Run> DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                                  std::optional<absl::Duration> timeout = std::nullopt);

  /// Opens the inbox of a run and returns at once; it connects in the background.
  /// kInvalidArgument or kFailedPrecondition (no run given) names what is wrong.
  absl::StatusOr<std::unique_ptr<Inbox>> OpenInbox(InboxOptions options = {});

 private:
  class Impl;
  explicit Client(std::shared_ptr<Impl> impl);

  std::shared_ptr<Impl> impl_;
};

}  // namespace signalbox

#endif  // SIGNALBOX_CLIENT_H
