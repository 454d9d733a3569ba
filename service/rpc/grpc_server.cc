#include "service/rpc/grpc_server.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace signalbox::service {
namespace {

constexpr char kLiveness[] = "liveness";

// For calls that have come but are not counted yet, and then for answers that are on their way.
constexpr absl::Duration kLastBytes = absl::Milliseconds(100);

// Larger than the limit of a request, so that the answer to a large one names the limit.
constexpr int kMaxReceiveBytes = 4 << 20;

void SetChannelArguments(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  // Two servers on one port would share its connections without a word.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // The client library pings every 10 s; anything down to 5 s is welcome, also without a call.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // A peer that is gone without a word is found after 40 s.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Who connects and says nothing, and whose headers are no request's.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 << 10);
  // A small compressed request may become a large one before its size is checked.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const std::string& address,
                                                              const ServiceParts& parts) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<GrpcServer> server(new GrpcServer(parts));
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &server->port_);
  SetChannelArguments(builder);
  builder.RegisterService(&server->messages_);
  builder.RegisterService(&server->runs_);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on ", address, "; is it in use already?"));
  }
  server->server_->GetHealthCheckService()->SetServingStatus(kLiveness, true);
  server->SetReady(true);
  return server;
}

void GrpcServer::SetReady(bool is_ready) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  for (const std::string& service : {std::string(), std::string(v1::MessageService::service_full_name()),
                                     std::string(v1::RunService::service_full_name())}) {
    health->SetServingStatus(service, is_ready);
  }
}

void GrpcServer::Shutdown(absl::Duration timeout) {
  server_->GetHealthCheckService()->Shutdown();
  const absl::Time deadline = absl::Now() + timeout;
  // gRPC waits until every client has acknowledged the end of its connection, which one that does not
  // read never does. When all calls are answered there is nothing to wait for.
  std::thread cut([this, deadline] {
    absl::SleepFor(kLastBytes);
    if (!calls_.AwaitNone(deadline)) return;
    absl::SleepFor(kLastBytes);
    grpc_server_cancel_all_calls(server_->c_server());
  });
  server_->Shutdown(absl::ToChronoTime(deadline));
  cut.join();
  server_->Wait();
}

}  // namespace signalbox::service
