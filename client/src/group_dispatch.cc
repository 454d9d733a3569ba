#include "group_dispatch.h"

#include <cstdint>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dissent.h"
#include "grpc_message_bytes.h"
#include "request_rules.h"
#include "text.h"

namespace signalbox::internal {

// The same on every process of a job: one program on one kind of machine.
struct GroupDispatch::Header {
  static constexpr uint32_t kMagic = 0x53426731;  // "SBg1"

  uint32_t magic = kMagic;
  uint32_t bytes = 0;
  int64_t step = 0;
};

namespace {

Message MakeFailure(std::string message_id, std::string error) {
  Message failure;
  failure.id = std::move(message_id);
  failure.error = std::move(error);
  return failure;
}

Ack MakeFailed(const std::string& error, int64_t step) {
  return {AckOutcome::kFailed, std::nullopt, CleanErrorText(error, kMaxErrorBytes), step};
}

}  // namespace

absl::StatusOr<int> GroupDispatch::Lead(InboxShared& shared, const std::function<void()>& on_acked) {
  std::vector<Message> messages;
  for (const MessagePtr& message : dispatcher_.TakePending(shared)) messages.push_back(*message);
  std::vector<Ack> acks(messages.size());
  const absl::Status agreed = Agree(messages, acks);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    // Who had applied it when the group failed is not known.
    if (!agreed.ok()) acks[i] = MakeFailed(absl::StrCat("the group failed: ", agreed.message()), step_);
    shared.FinishHandling(messages[i].id, std::move(acks[i]));
    on_acked();
  }
  if (!agreed.ok()) return agreed;
  return static_cast<int>(messages.size());
}

absl::Status GroupDispatch::Agree(const std::vector<Message>& messages, std::vector<Ack>& acks) {
  if (absl::Status sent = Send(messages.empty() ? "" : MessagesToBytes(messages)); !sent.ok()) return sent;
  if (messages.empty()) return absl::OkStatus();
  acks = RunHandlers(messages);

  std::map<std::string, Dissent> dissent;  // By message.
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (acks[i].outcome == AckOutcome::kFailed) dissent[messages[i].id].Add(0, acks[i].error);
  }
  const absl::Status exchanged = ExchangeFailures(
      {}, [&](int process, const Message& failure) { dissent[failure.id].Add(process, failure.error); });
  if (!exchanged.ok()) return exchanged;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto found = dissent.find(messages[i].id);
    if (found != dissent.end()) acks[i] = MakeFailed(found->second.Text(kMaxErrorBytes), step_);
  }
  return absl::OkStatus();
}

absl::StatusOr<int> GroupDispatch::Follow() {
  const absl::StatusOr<Header> header = ReceiveHeader(0);
  if (!header.ok()) return header.status();
  const absl::StatusOr<std::vector<Message>> messages = ReceiveMessages(*header, 0);
  if (!messages.ok()) return messages.status();

  const bool is_in_step = header->step == step_;
  const std::string steps =
      is_in_step ? "" : absl::StrCat("at step ", step_, ", process 0 at step ", header->step);
  if (!messages->empty()) {
    std::vector<Message> failures;
    if (is_in_step) {
      const std::vector<Ack> acks = RunHandlers(*messages);
      for (std::size_t i = 0; i < acks.size(); ++i) {
        if (acks[i].outcome == AckOutcome::kFailed)
          failures.push_back(MakeFailure((*messages)[i].id, acks[i].error));
      }
    } else {
      for (const Message& message : *messages) failures.push_back(MakeFailure(message.id, steps));
    }
    if (absl::Status told = ExchangeFailures(failures, [](int, const Message&) {}); !told.ok()) return told;
  }
  if (!is_in_step) {
    return absl::FailedPreconditionError(
        absl::StrCat("process ", group_.rank(), " is ", steps,
                     ": all processes of a group must dispatch at the same steps"));
  }
  return static_cast<int>(messages->size());
}

std::vector<Ack> GroupDispatch::RunHandlers(const std::vector<Message>& messages) {
  std::vector<Ack> acks;
  acks.reserve(messages.size());
  for (const Message& message : messages) acks.push_back(dispatcher_.RunHandlerOf(message, step_));
  return acks;
}

absl::Status GroupDispatch::ExchangeFailures(
    const std::vector<Message>& own,
    const std::function<void(int process, const Message& failure)>& on_failure) {
  for (int process = 1; process < group_.size(); ++process) {
    if (process == group_.rank()) {
      if (absl::Status sent = Send(own.empty() ? "" : MessagesToBytes(own)); !sent.ok()) return sent;
      continue;
    }
    const absl::StatusOr<Header> header = ReceiveHeader(process);
    if (!header.ok()) return header.status();
    const absl::StatusOr<std::vector<Message>> failures = ReceiveMessages(*header, process);
    if (!failures.ok()) return failures.status();
    for (const Message& failure : *failures) on_failure(process, failure);
  }
  return absl::OkStatus();
}

absl::Status GroupDispatch::Send(const std::string& bytes) {
  if (bytes.size() > std::numeric_limits<int32_t>::max())
    return absl::ResourceExhaustedError("more messages than one dispatch of a group can carry");
  Header header{.bytes = static_cast<uint32_t>(bytes.size()), .step = step_};
  if (absl::Status sent = group_.Broadcast(&header, sizeof header, group_.rank()); !sent.ok()) return sent;
  if (bytes.empty()) return absl::OkStatus();
  std::string buffer = bytes;
  return group_.Broadcast(buffer.data(), buffer.size(), group_.rank());
}

absl::StatusOr<GroupDispatch::Header> GroupDispatch::ReceiveHeader(int root) {
  static_assert(sizeof(Header) == 16);
  Header header;
  if (absl::Status received = group_.Broadcast(&header, sizeof header, root); !received.ok()) return received;
  if (header.magic != Header::kMagic || header.bytes > std::numeric_limits<int32_t>::max()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "process ", root,
        " took part in another collective: all processes of a group must dispatch at the same steps"));
  }
  return header;
}

absl::StatusOr<std::vector<Message>> GroupDispatch::ReceiveMessages(const Header& header, int root) {
  if (header.bytes == 0) return std::vector<Message>();
  std::string bytes(header.bytes, '\0');
  if (absl::Status received = group_.Broadcast(bytes.data(), bytes.size(), root); !received.ok())
    return received;
  return MessagesFromBytes(bytes);
}

}  // namespace signalbox::internal
