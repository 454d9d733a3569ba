#ifndef SIGNALBOX_SRC_PLAIN_CALLS_H
#define SIGNALBOX_SRC_PLAIN_CALLS_H

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clock.h"
#include "message_stub.h"
#include "random.h"
#include "signalbox/client.h"

namespace signalbox::internal {

/// The calls of Client that are not streams: checks what only this side can check, makes the request
/// id, repeats what is unavailable, follows the pages, waits in slices. Thread-safe.
class PlainCalls {
 public:
  PlainCalls(MessageStub& stub, Clock& clock, RandomFraction random, absl::Duration default_timeout);

  using Timeout = std::optional<absl::Duration>;

  absl::StatusOr<PublishResult> Publish(PublishRequest request, Timeout timeout);
  std::vector<absl::StatusOr<PublishResult>> PublishMany(std::vector<PublishRequest> requests,
                                                         Timeout timeout);
  absl::StatusOr<GetResult> Get(const RunRef& run, const std::string& key, Timeout timeout);
  absl::StatusOr<std::vector<Message>> GetAll(const RunRef& run, const std::vector<std::string>& keys,
                                              Timeout timeout);
  absl::StatusOr<std::vector<AckResult>> Ack(const std::vector<std::string>& message_ids,
                                             const std::string& consumer, const signalbox::Ack& ack,
                                             Timeout timeout);
  absl::StatusOr<Message> Await(const std::string& message_id, absl::Duration wait, AwaitUntil until);
  absl::StatusOr<Message> Cancel(const std::string& message_id, const std::string& reason, Timeout timeout);
  absl::StatusOr<std::vector<Message>> ListMessages(const ListMessagesRequest& request, Timeout timeout);

  absl::StatusOr<Run> CreateRun(const CreateRunRequest& request, Timeout timeout);
  absl::StatusOr<Run> GetRun(const RunRef& run, Timeout timeout);
  absl::StatusOr<std::vector<Run>> ListRuns(const ListRunsRequest& request, Timeout timeout);
  absl::StatusOr<Run> EndRun(const RunRef& run, RunOutcome outcome, Timeout timeout);
  absl::StatusOr<Run> DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                                  Timeout timeout);

 private:
  template <typename Call>
  auto Retry(Timeout timeout, Call call) -> decltype(call(absl::Duration()));

  MessageStub& stub_;
  Clock& clock_;
  const RandomFraction random_;
  const absl::Duration default_timeout_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_PLAIN_CALLS_H
