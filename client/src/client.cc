#include "signalbox/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fork_guard.h"
#include "grpc_connection.h"
#include "grpc_inbox_wire.h"
#include "grpc_message_stub.h"
#include "grpc_process.h"
#include "inbox_core.h"
#include "plain_calls.h"
#include "random.h"
#include "request_rules.h"
#include "signal_block.h"
#include "system_clock.h"
#include "watcher.h"

namespace signalbox {

using internal::GrpcConnection;
using internal::SystemClock;

/// The connection and the calls on it. Must not be destroyed in a forked child.
class Client::Impl {
 public:
  explicit Impl(std::shared_ptr<GrpcConnection> made)
      : connection(std::move(made)),
        stub(internal::MakeGrpcMessageStub(connection)),
        calls(*stub, SystemClock::Instance(), internal::SystemRandomFraction,
              connection->options().call_timeout) {}

  absl::Status CheckProcess() const {
    if (!connection->InForkedChild()) return absl::OkStatus();
    return absl::FailedPreconditionError("the client was made before this process was forked; make one here");
  }

  const std::shared_ptr<GrpcConnection> connection;
  const std::unique_ptr<internal::MessageStub> stub;
  internal::PlainCalls calls;
};

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  absl::StatusOr<std::shared_ptr<GrpcConnection>> connection = GrpcConnection::Create(options);
  if (!connection.ok()) return connection.status();
  return std::unique_ptr<Client>(new Client(std::make_shared<Impl>(*std::move(connection))));
}

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() {
  if (!impl_->CheckProcess().ok()) internal::Leak(std::move(impl_));
}

absl::StatusOr<PublishResult> Client::Publish(PublishRequest request, std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.Publish(std::move(request), timeout);
}

std::vector<absl::StatusOr<PublishResult>> Client::PublishMany(std::vector<PublishRequest> requests,
                                                               std::optional<absl::Duration> timeout) {
  if (const absl::Status status = impl_->CheckProcess(); !status.ok()) return {requests.size(), status};
  return impl_->calls.PublishMany(std::move(requests), timeout);
}

absl::StatusOr<GetResult> Client::Get(const RunRef& run, const std::string& key,
                                      std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.Get(run, key, timeout);
}

absl::StatusOr<std::vector<Message>> Client::GetAll(const RunRef& run, const std::vector<std::string>& keys,
                                                    std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.GetAll(run, keys, timeout);
}

absl::StatusOr<std::vector<AckResult>> Client::Ack(const std::vector<std::string>& message_ids,
                                                   const std::string& consumer, const signalbox::Ack& ack,
                                                   std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.Ack(message_ids, consumer, ack, timeout);
}

absl::StatusOr<Message> Client::Await(const std::string& message_id, absl::Duration wait, AwaitUntil until) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.Await(message_id, wait, until);
}

absl::StatusOr<Message> Client::Cancel(const std::string& message_id, const std::string& reason,
                                       std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.Cancel(message_id, reason, timeout);
}

absl::StatusOr<std::vector<Message>> Client::ListMessages(const ListMessagesRequest& request,
                                                          std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.ListMessages(request, timeout);
}

absl::Status Client::Watch(const WatchRequest& request,
                           const std::function<bool(const WatchEvent*)>& on_event) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  if (absl::Status status = internal::CheckRun(request.run); !status.ok()) return status;
  if (on_event == nullptr) return absl::InvalidArgumentError("on_event: required");
  std::unique_ptr<internal::InboxWire> wire;
  {
    const internal::SignalBlock block_signals;
    wire = internal::MakeGrpcInboxWire(impl_->connection);
  }
  internal::Watcher watcher(request, *wire, SystemClock::Instance(),
                            internal::Backoff({}, internal::SystemRandomFraction));
  return watcher.Run(on_event);
}

absl::StatusOr<Run> Client::CreateRun(const CreateRunRequest& request,
                                      std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.CreateRun(request, timeout);
}

absl::StatusOr<Run> Client::GetRun(const RunRef& run, std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.GetRun(run, timeout);
}

absl::StatusOr<std::vector<Run>> Client::ListRuns(const ListRunsRequest& request,
                                                  std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.ListRuns(request, timeout);
}

absl::StatusOr<Run> Client::EndRun(const RunRef& run, RunOutcome outcome,
                                   std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.EndRun(run, outcome, timeout);
}

absl::StatusOr<Run> Client::DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                                        std::optional<absl::Duration> timeout) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  return impl_->calls.DeclareKeys(run, keys, timeout);
}

absl::StatusOr<std::unique_ptr<Inbox>> Client::OpenInbox(InboxOptions options) {
  if (absl::Status status = impl_->CheckProcess(); !status.ok()) return status;
  const RunRef& run = options.run;
  if (options.listen && run.id.empty() && run.project.empty() && run.rank == 0) {
    absl::StatusOr<RunRef> from_environment = RunFromEnvironment();
    if (!from_environment.ok()) return from_environment.status();
    options.run = *std::move(from_environment);
  }
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  if (options.listen) internal::MarkGrpcStarted();
  absl::StatusOr<std::shared_ptr<InboxCore>> core = InboxCore::Open(
      std::move(options),
      [connection = impl_->connection] { return internal::MakeGrpcInboxWire(connection); },
      SystemClock::Instance());
  if (!core.ok()) return core.status();
  return std::unique_ptr<Inbox>(new Inbox(*std::move(core)));
}

}  // namespace signalbox
