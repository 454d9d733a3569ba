#ifndef SIGNALBOX_SERVICE_RPC_GRPC_SERVER_H
#define SIGNALBOX_SERVICE_RPC_GRPC_SERVER_H

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/rpc/message_service.h"
#include "service/rpc/run_service.h"

namespace signalbox::service {

/// The port: both services, health and reflection.
///
/// Health: "" and the names of both services are SERVING while the database answers (readiness);
/// "liveness" is SERVING as long as the process does its work. Thread-safe.
class GrpcServer {
 public:
  /// Listens at once. kFailedPrecondition: the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const std::string& address,
                                                           const ServiceParts& parts);

  /// The port that is really bound, for an address that asked for port 0; 0 for a Unix socket.
  int port() const { return port_; }

  void SetReady(bool is_ready);

  /// Refuses new calls and waits for those under way, at most `timeout`, then cuts what is left: calls that
  /// are not over, and connections whose client does not read. Streams and awaits must have been told to
  /// end before.
  void Shutdown(absl::Duration timeout);

 private:
  explicit GrpcServer(const ServiceParts& parts) : calls_(parts.calls), messages_(parts), runs_(parts) {}

  CallCount& calls_;
  MessageServiceHandler messages_;
  RunServiceHandler runs_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_GRPC_SERVER_H
