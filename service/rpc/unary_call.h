#ifndef SIGNALBOX_SERVICE_RPC_UNARY_CALL_H
#define SIGNALBOX_SERVICE_RPC_UNARY_CALL_H

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "service/rpc/call_count.h"
#include "service/rpc/call_guard.h"
#include "service/rpc/status_mapping.h"
#include "service/telemetry/metrics.h"

namespace signalbox::service {

/// One call on its way through other threads. Answered exactly once, by whoever is first: gRPC frees
/// the response with the answer, so a late one must not touch it. Thread-safe.
template <typename Response>
class UnaryCall final : public GuardedCall {
 public:
  /// `outcomes`, when there is one, counts how it ended and outlives the call.
  UnaryCall(CallCount& calls, grpc::ServerUnaryReactor* reactor, Response* response, OutcomeCounter* outcomes)
      : token_(calls), reactor_(reactor), response_(response), outcomes_(outcomes) {}

  /// Answers OK with `response`.
  void Succeed(Response response) {
    if (is_over_.exchange(true)) return;
    response_->Swap(&response);
    Finish(grpc::Status::OK);
  }

  void Fail(const absl::Status& status) {
    if (is_over_.exchange(true)) return;
    Finish(ToGrpc(status));
  }

  void GiveUp(const absl::Status& status) override { Fail(status); }

  bool IsOver() const { return is_over_.load(); }

 private:
  void Finish(const grpc::Status& status) {
    if (outcomes_ != nullptr) outcomes_->Add(static_cast<absl::StatusCode>(status.error_code()));
    reactor_->Finish(status);
  }

  const CallCount::Token token_;
  grpc::ServerUnaryReactor* const reactor_;
  Response* const response_;
  OutcomeCounter* const outcomes_;
  std::atomic<bool> is_over_{false};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_UNARY_CALL_H
