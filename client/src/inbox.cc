#include "signalbox/inbox.h"

#include <limits>
#include <utility>

#include "fork_guard.h"
#include "grpc_process.h"
#include "inbox_core.h"

namespace signalbox {

absl::Status ReceivedMessage::Ack(signalbox::Ack ack) const {
  const std::shared_ptr<InboxCore> core = core_.lock();
  if (core == nullptr) return absl::FailedPreconditionError("the inbox is closed");
  return core->Ack(message_->id, std::move(ack), nullptr);
}

absl::StatusOr<bool> ReceivedMessage::AckNow(absl::Duration timeout, signalbox::Ack ack) const {
  auto receipt = std::make_shared<internal::OneShot<absl::StatusOr<bool>>>();
  {
    // Not held while waiting, or a Close() meanwhile could end up on this thread.
    const std::shared_ptr<InboxCore> core = core_.lock();
    if (core == nullptr) return absl::FailedPreconditionError("the inbox is closed");
    if (absl::Status status = core->Ack(message_->id, std::move(ack), receipt); !status.ok()) return status;
  }
  std::optional<absl::StatusOr<bool>> claimed = receipt->WaitFor(timeout);
  if (claimed.has_value()) return *std::move(claimed);
  return absl::DeadlineExceededError("the server has not settled the ack in time; it is still under way");
}

Inbox::Inbox(std::shared_ptr<InboxCore> core) : core_(std::move(core)) {}

Inbox::~Inbox() {
  Close();
  // In a forked child nothing of the parent's may be destroyed: the copy is leaked.
  if (core_->InForkedChild()) internal::Leak(std::move(core_));
}

std::optional<ReceivedMessage> Inbox::Get(std::string_view key) const {
  internal::MessagePtr message = core_->Oldest(key);
  if (message == nullptr) return std::nullopt;
  return ReceivedMessage(std::move(message), core_);
}

std::vector<ReceivedMessage> Inbox::GetAll() const { return core_->All(core_); }

absl::Status Inbox::On(KeyDeclaration declaration, Handler handler) {
  return core_->On(std::move(declaration), std::move(handler));
}

absl::Status Inbox::On(std::string key, Handler handler) {
  return On(KeyDeclaration{std::move(key), Kind::kUnspecified, ""}, std::move(handler));
}

int Inbox::Dispatch(int64_t step) { return core_->Dispatch(step, std::numeric_limits<int>::max()); }

int Inbox::Dispatch(int64_t step, int at_most) { return core_->Dispatch(step, at_most); }

absl::StatusOr<int> Inbox::Dispatch(int64_t step, Group& group, int64_t every) {
  return core_->Dispatch(step, group, every);
}

ReceivedMessage Inbox::Receive(const Message& message) const {
  return {std::make_shared<const Message>(message), core_};
}

InboxStatus Inbox::Status() const { return core_->Status(); }

const std::string& Inbox::consumer() const { return core_->consumer(); }

bool Inbox::WaitSynced(absl::Duration timeout) const { return core_->WaitSynced(timeout); }

bool Inbox::WaitNewer(int64_t sequence, absl::Duration timeout) const {
  return core_->WaitNewer(sequence, timeout);
}

void Inbox::Close() { core_->Close(); }

absl::Status Inbox::Reopen() {
  if (!core_->InForkedChild()) {
    return absl::FailedPreconditionError("an inbox can only be reopened in a forked child");
  }
  // Before the new core takes its first lock, which a thread of the parent may have left taken.
  if (absl::Status status = internal::CheckGrpcUsable(); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<InboxCore>> core = core_->Reopen();
  if (!core.ok()) return core.status();
  internal::Leak(std::exchange(core_, *std::move(core)));
  return absl::OkStatus();
}

}  // namespace signalbox
