#ifndef SIGNALBOX_SERVICE_RPC_AWAIT_CALL_H
#define SIGNALBOX_SERVICE_RPC_AWAIT_CALL_H

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>

#include "service/rpc/service_parts.h"

namespace signalbox::service {

/// One waiting Await. Lives until gRPC and the registry are done with it.
class AwaitCall final : public grpc::ServerUnaryReactor,
                        public GuardedCall,
                        public std::enable_shared_from_this<AwaitCall> {
 public:
  static grpc::ServerUnaryReactor* Start(const ServiceParts& parts, const AwaitQuery& query,
                                         v1::AwaitResponse* response);

  /// The database hangs after the time is over.
  void GiveUp(const absl::Status& status) override;

  // Reactions.
  void OnCancel() override;
  void OnDone() override;

 private:
  AwaitCall(const ServiceParts& parts, v1::AwaitResponse* response)
      : parts_(parts), token_(parts.calls), response_(response) {}
  void OnOver(absl::StatusOr<MessagePtr> message);
  void OnTimeout();

  const ServiceParts& parts_;
  const CallCount::Token token_;
  v1::AwaitResponse* const response_;
  std::shared_ptr<AwaitCall> self_;  // given up in OnDone
  grpc::Alarm alarm_;
  std::atomic<AwaitRegistry::Ticket> ticket_{0};  // 0: not known yet
  std::atomic<bool> is_timeout_{false};
  std::atomic<bool> is_over_{false};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_AWAIT_CALL_H
