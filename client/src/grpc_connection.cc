#include "grpc_connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "grpc_process.h"
#include "signal_block.h"

namespace signalbox::internal {
namespace {

absl::StatusOr<std::string> ReadFile(const char* field, const std::string& path) {
  if (path.empty()) return "";
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file || !content) return absl::InvalidArgumentError(absl::StrCat(field, ": cannot read ", path));
  return content.str();
}

// A dead peer is noticed within 15 s even when nothing is sent, and connecting is tried again at
// least once a second, so that messages flow soon after a server is back. The server allows a ping
// every 5 s.
grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  // Also the time that one attempt to connect is given.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 2'000);
  // Retries are decided here, where the request ids are known.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Clients of one process do not share connections, also not with those of a parent process.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

}  // namespace

absl::StatusOr<std::shared_ptr<GrpcConnection>> GrpcConnection::Create(const ClientOptions& options) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  if (absl::Status status = CheckGrpcUsable(); !status.ok()) return status;
  absl::StatusOr<std::string> ca = ReadFile("ca_file", options.ca_file);
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> certificate = ReadFile("cert_file", options.cert_file);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile("key_file", options.key_file);
  if (!key.ok()) return key.status();
  return std::shared_ptr<GrpcConnection>(
      new GrpcConnection(options, {*std::move(ca), *std::move(certificate), *std::move(key)}));
}

std::shared_ptr<grpc::Channel> GrpcConnection::Channel() {
  MarkGrpcStarted();  // Before the first lock: one that is held during a fork stays held in the child.
  const absl::MutexLock lock(&mu_);
  if (channel_ != nullptr) return channel_;
  const SignalBlock block_signals;  // gRPC starts its threads here.
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!certificates_.ca.empty()) {
    credentials = grpc::SslCredentials({certificates_.ca, certificates_.key, certificates_.certificate});
  }
  channel_ = grpc::CreateCustomChannel(options_.address, credentials, ChannelArguments());
  return channel_;
}

void GrpcConnection::Abandon(const std::shared_ptr<grpc::Channel>& silent) {
  const absl::MutexLock lock(&mu_);
  if (channel_ == silent) channel_.reset();  // Otherwise somebody else was faster.
}

absl::Status GrpcConnection::Prepare(grpc::ClientContext& context, absl::Duration timeout) const {
  context.set_deadline(GrpcDeadline(timeout));
  if (options_.token.empty() && options_.token_file.empty()) return absl::OkStatus();
  std::string token = options_.token;
  if (!options_.token_file.empty()) {
    absl::StatusOr<std::string> content = ReadFile("token_file", options_.token_file);
    if (!content.ok()) return absl::UnauthenticatedError(content.status().message());
    token = std::string(absl::StripAsciiWhitespace(*content));
  }
  // A line break would start another header.
  const bool is_header_text = std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; });
  if (token.empty() || !is_header_text)
    return absl::UnauthenticatedError(absl::StrCat("token_file: no token in ", options_.token_file));
  context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
  return absl::OkStatus();
}

gpr_timespec GrpcDeadline(absl::Duration timeout) {
  // Longer ones would overflow in gRPC.
  constexpr absl::Duration kLongest = absl::Hours(24 * 365);
  if (timeout > kLongest) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(timeout), GPR_TIMESPAN));
}

absl::Status FromGrpc(const grpc::Status& status) {
  // The library gives up nothing that anybody still waits for; a server does that when it stops.
  if (status.error_code() == grpc::StatusCode::CANCELLED)
    return absl::UnavailableError("the server ended the call");
  // Both lists are the same by design; what is out of range becomes kUnknown.
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace signalbox::internal
