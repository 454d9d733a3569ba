#include "grpc_message_stub.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpc_conversion.h"
#include "grpc_enum_conversion.h"
#include "grpc_stubs.h"

namespace signalbox::internal {
namespace {

// So that a server that lets everybody connect, and then serves nobody, is not asked all the time.
constexpr absl::Duration kLeastPause = absl::Milliseconds(10);

class GrpcMessageStub final : public MessageStub {
 public:
  explicit GrpcMessageStub(std::shared_ptr<GrpcConnection> connection) : connection_(std::move(connection)) {}

  void Pause(absl::Duration wait) override {
    // gRPC's connections get on only while some thread waits for one of their calls or states.
    const std::shared_ptr<grpc::Channel> channel = connection_->Channel();
    const bool is_connected = channel->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
    const absl::Duration least = is_connected ? wait : std::min(wait, kLeastPause);
    if (!is_connected) channel->WaitForConnected(GrpcDeadline(wait - least));
    absl::SleepFor(least);
  }

  absl::StatusOr<PublishResult> Publish(const PublishRequest& request, absl::Duration timeout) override {
    return Converted(Call<v1::MessageService>(&v1::MessageService::Stub::Publish, ToProto(request), timeout));
  }

  std::vector<absl::StatusOr<PublishResult>> PublishMany(std::span<const PublishRequest* const> requests,
                                                         absl::Duration timeout) override {
    const v1::PublishManyRequest request = ToProto(requests);
    const auto count = static_cast<std::size_t>(request.requests_size());
    auto response = Call<v1::MessageService>(&v1::MessageService::Stub::PublishMany, request, timeout);
    if (!response.ok()) return {count, response.status()};
    std::vector<absl::StatusOr<PublishResult>> results = FromProto(*response);
    if (results.size() != count) return {count, absl::InternalError("the server left out results")};
    return results;
  }

  absl::StatusOr<GetResult> Get(const RunRef& run, const std::string& key, absl::Duration timeout) override {
    v1::GetRequest request;
    ToProto(run, request.mutable_run());
    request.set_key(key);
    auto response = Call<v1::MessageService>(&v1::MessageService::Stub::Get, request, timeout);
    if (!response.ok()) return response.status();
    GetResult result{std::nullopt, response->pending_count()};
    if (response->has_message()) result.message = FromProto(response->message());
    return result;
  }

  absl::StatusOr<MessagePage> GetAll(const RunRef& run, const std::vector<std::string>& keys,
                                     const std::string& page_token, absl::Duration timeout) override {
    return Converted(Call<v1::MessageService>(&v1::MessageService::Stub::GetAll,
                                              ToGetAllRequest(run, keys, page_token), timeout));
  }

  absl::StatusOr<std::vector<AckResult>> Ack(const std::vector<std::string>& message_ids,
                                             const std::string& consumer, const signalbox::Ack& ack,
                                             absl::Duration timeout) override {
    return Converted(Call<v1::MessageService>(&v1::MessageService::Stub::Ack,
                                              ToProto(message_ids, consumer, ack), timeout));
  }

  absl::StatusOr<Message> Await(const std::string& message_id, AwaitUntil until, absl::Duration wait,
                                absl::Duration timeout) override {
    v1::AwaitRequest request;
    request.set_message_id(message_id);
    request.set_until(until == AwaitUntil::kAcked ? v1::AWAIT_UNTIL_ACKED : v1::AWAIT_UNTIL_FINISHED);
    ToProto(wait, request.mutable_timeout());
    return MessageOf(Call<v1::MessageService>(&v1::MessageService::Stub::Await, request, timeout));
  }

  absl::StatusOr<Message> Cancel(const std::string& message_id, const std::string& reason,
                                 absl::Duration timeout) override {
    v1::CancelRequest request;
    request.set_message_id(message_id);
    request.set_reason(reason);
    return MessageOf(Call<v1::MessageService>(&v1::MessageService::Stub::Cancel, request, timeout));
  }

  absl::StatusOr<MessagePage> ListMessages(const ListMessagesRequest& request, int page_size,
                                           const std::string& page_token, absl::Duration timeout) override {
    return Converted(Call<v1::MessageService>(&v1::MessageService::Stub::ListMessages,
                                              ToProto(request, page_size, page_token), timeout));
  }

  absl::StatusOr<Run> CreateRun(const CreateRunRequest& request, const std::string& request_id,
                                absl::Duration timeout) override {
    return RunOf(
        Call<v1::RunService>(&v1::RunService::Stub::CreateRun, ToProto(request, request_id), timeout));
  }

  absl::StatusOr<Run> GetRun(const RunRef& run, absl::Duration timeout) override {
    v1::GetRunRequest request;
    ToProto(run, request.mutable_run());
    return RunOf(Call<v1::RunService>(&v1::RunService::Stub::GetRun, request, timeout));
  }

  absl::StatusOr<RunPage> ListRuns(const ListRunsRequest& request, int page_size,
                                   const std::string& page_token, absl::Duration timeout) override {
    return Converted(Call<v1::RunService>(&v1::RunService::Stub::ListRuns,
                                          ToProto(request, page_size, page_token), timeout));
  }

  absl::StatusOr<Run> EndRun(const RunRef& run, RunOutcome outcome, absl::Duration timeout) override {
    v1::EndRunRequest request;
    ToProto(run, request.mutable_run());
    request.set_outcome(ToProto(outcome));
    return RunOf(Call<v1::RunService>(&v1::RunService::Stub::EndRun, request, timeout));
  }

  absl::StatusOr<Run> DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                                  absl::Duration timeout) override {
    return RunOf(
        Call<v1::RunService>(&v1::RunService::Stub::DeclareKeys, ToDeclareKeysRequest(run, keys), timeout));
  }

 private:
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                      Response*),
                                const Request& request, absl::Duration timeout) {
    grpc::ClientContext context;
    if (absl::Status status = connection_->Prepare(context, timeout); !status.ok()) return status;
    Response response;
    const grpc::Status status = (CurrentStubs()->Of<Service>().*method)(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

  template <typename Response>
  static auto Converted(const absl::StatusOr<Response>& response)
      -> absl::StatusOr<decltype(FromProto(*response))> {
    if (!response.ok()) return response.status();
    return FromProto(*response);
  }

  template <typename Response>
  static absl::StatusOr<Message> MessageOf(const absl::StatusOr<Response>& response) {
    if (!response.ok()) return response.status();
    return FromProto(response->message());
  }

  template <typename Response>
  static absl::StatusOr<Run> RunOf(const absl::StatusOr<Response>& response) {
    if (!response.ok()) return response.status();
    return FromProto(response->run());
  }

  // An inbox may have found the last channel dead.
  std::shared_ptr<GrpcStubs> CurrentStubs() ABSL_LOCKS_EXCLUDED(mu_) {
    const std::shared_ptr<grpc::Channel> channel = connection_->Channel();
    const absl::MutexLock lock(&mu_);
    if (stubs_ == nullptr || stubs_->channel() != channel) stubs_ = std::make_shared<GrpcStubs>(channel);
    return stubs_;
  }

  const std::shared_ptr<GrpcConnection> connection_;
  absl::Mutex mu_;
  std::shared_ptr<GrpcStubs> stubs_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<MessageStub> MakeGrpcMessageStub(std::shared_ptr<GrpcConnection> connection) {
  return std::make_unique<GrpcMessageStub>(std::move(connection));
}

}  // namespace signalbox::internal
