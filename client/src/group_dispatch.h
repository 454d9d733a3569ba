#ifndef SIGNALBOX_SRC_GROUP_DISPATCH_H
#define SIGNALBOX_SRC_GROUP_DISPATCH_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dispatcher.h"
#include "inbox_shared.h"
#include "signalbox/group.h"

namespace signalbox::internal {

/// One control point of a group: all of its processes run the same handlers on the same messages.
///
///   process 0   → all   header: what it is, bytes of the messages, step
///   process 0   → all   the messages                          ⎫
///   every other → all   header: what it is, bytes of failures ⎬ only when there are messages
///   every other → all   its failures, when it has some        ⎭
///
/// So an idle control point costs one broadcast of 16 bytes. A process at another step than process 0
/// runs nothing, but takes part to the end, so that nobody waits for it in vain. Used once, on the
/// thread that dispatches; waits as long as the group's collectives do.
class GroupDispatch {
 public:
  GroupDispatch(Group& group, int64_t step, Dispatcher& dispatcher)
      : group_(group), step_(step), dispatcher_(dispatcher) {}

  /// For process 0. Acks each message: kApplied when every process applied it, else kFailed with the
  /// processes that did not and why. When the group fails, all that were taken are kFailed.
  absl::StatusOr<int> Lead(InboxShared& shared, const std::function<void()>& on_acked);

  /// For the others. kFailedPrecondition: process 0 is at another step.
  absl::StatusOr<int> Follow();

 private:
  struct Header;

  absl::Status Agree(const std::vector<Message>& messages, std::vector<Ack>& acks);
  std::vector<Ack> RunHandlers(const std::vector<Message>& messages);
  absl::Status Send(const std::string& bytes);
  absl::StatusOr<Header> ReceiveHeader(int root);
  absl::StatusOr<std::vector<Message>> ReceiveMessages(const Header& header, int root);
  absl::Status ExchangeFailures(const std::vector<Message>& own,
                                const std::function<void(int process, const Message& failure)>& on_failure);

  Group& group_;
  const int64_t step_;
  Dispatcher& dispatcher_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GROUP_DISPATCH_H
