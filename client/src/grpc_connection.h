#ifndef SIGNALBOX_SRC_GRPC_CONNECTION_H
#define SIGNALBOX_SRC_GRPC_CONNECTION_H

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "fork_guard.h"
#include "signalbox/options.h"

namespace signalbox::internal {

/// The connection to a server, shared by the calls and inboxes of a client. Thread-safe.
class GrpcConnection {
 public:
  /// Reads the certificate files; kInvalidArgument names the one that cannot be read. Starts nothing.
  /// kFailedPrecondition: this process was forked after gRPC had been started.
  static absl::StatusOr<std::shared_ptr<GrpcConnection>> Create(const ClientOptions& options);

  /// Starts gRPC and the channel at the first call. Does not wait for the network.
  std::shared_ptr<grpc::Channel> Channel() ABSL_LOCKS_EXCLUDED(mu_);

  /// From now on, Channel() is another one than `silent`. Calls that are under way stay where they are.
  void Abandon(const std::shared_ptr<grpc::Channel>& silent) ABSL_LOCKS_EXCLUDED(mu_);

  /// Gives a call its deadline (infinite: none) and its token, which is read again from its file.
  /// kUnauthenticated: the file cannot be read, or holds no token.
  absl::Status Prepare(grpc::ClientContext& context, absl::Duration timeout) const;

  bool InForkedChild() const { return guard_.InForkedChild(); }
  const ClientOptions& options() const { return options_; }

 private:
  struct Certificates {
    std::string ca;
    std::string certificate;
    std::string key;
  };

  GrpcConnection(ClientOptions options, Certificates certificates)
      : options_(std::move(options)), certificates_(std::move(certificates)) {}

  const ClientOptions options_;
  const Certificates certificates_;
  const ForkGuard guard_;

  absl::Mutex mu_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mu_);
};

/// A span from now as gRPC's deadline, by the clock that does not jump.
gpr_timespec GrpcDeadline(absl::Duration timeout);

/// The same code and text; but kUnavailable for a call that the server gave up.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_CONNECTION_H
