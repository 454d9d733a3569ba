#ifndef SIGNALBOX_SRC_MESSAGE_STUB_H
#define SIGNALBOX_SRC_MESSAGE_STUB_H

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signalbox/client.h"

namespace signalbox::internal {

/// One page of messages.
struct MessagePage {
  std::vector<Message> messages;
  std::string next_page_token;  ///< Empty on the last page.
};

/// One page of runs.
struct RunPage {
  std::vector<Run> runs;
  std::string next_page_token;  ///< Empty on the last page.
};

/// PORT: the server's plain calls. Each makes one try and blocks until it is answered or `timeout`
/// is over (kDeadlineExceeded). Thread-safe; none throws.
class MessageStub {
 public:
  virtual ~MessageStub() = default;

  /// Blocks for `wait`, or less when a broken connection is there again before. Between two tries use this
  /// and not a sleep, in which nobody would get on with connecting.
  virtual void Pause(absl::Duration wait) = 0;

  virtual absl::StatusOr<PublishResult> Publish(const PublishRequest& request, absl::Duration timeout) = 0;
  /// Sends the first of `requests`, as many as one call takes, which is at least one; returns one result
  /// for each that was sent. A call that fails is the result of each.
  virtual std::vector<absl::StatusOr<PublishResult>> PublishMany(
      std::span<const PublishRequest* const> requests, absl::Duration timeout) = 0;
  virtual absl::StatusOr<GetResult> Get(const RunRef& run, const std::string& key,
                                        absl::Duration timeout) = 0;
  virtual absl::StatusOr<MessagePage> GetAll(const RunRef& run, const std::vector<std::string>& keys,
                                             const std::string& page_token, absl::Duration timeout) = 0;
  virtual absl::StatusOr<std::vector<AckResult>> Ack(const std::vector<std::string>& message_ids,
                                                     const std::string& consumer, const signalbox::Ack& ack,
                                                     absl::Duration timeout) = 0;
  /// The server answers after `wait` at the latest.
  virtual absl::StatusOr<Message> Await(const std::string& message_id, AwaitUntil until, absl::Duration wait,
                                        absl::Duration timeout) = 0;
  virtual absl::StatusOr<Message> Cancel(const std::string& message_id, const std::string& reason,
                                         absl::Duration timeout) = 0;
  /// `page_size` takes the place of `request.limit`; 0 leaves it to the server.
  virtual absl::StatusOr<MessagePage> ListMessages(const ListMessagesRequest& request, int page_size,
                                                   const std::string& page_token, absl::Duration timeout) = 0;

  virtual absl::StatusOr<Run> CreateRun(const CreateRunRequest& request, const std::string& request_id,
                                        absl::Duration timeout) = 0;
  virtual absl::StatusOr<Run> GetRun(const RunRef& run, absl::Duration timeout) = 0;
  virtual absl::StatusOr<RunPage> ListRuns(const ListRunsRequest& request, int page_size,
                                           const std::string& page_token, absl::Duration timeout) = 0;
  virtual absl::StatusOr<Run> EndRun(const RunRef& run, RunOutcome outcome, absl::Duration timeout) = 0;
  virtual absl::StatusOr<Run> DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                                          absl::Duration timeout) = 0;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_MESSAGE_STUB_H
