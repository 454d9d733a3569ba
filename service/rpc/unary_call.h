#ifndef SIGNALBOX_SERVICE_RPC_UNARY_CALL_H
#define SIGNALBOX_SERVICE_RPC_UNARY_CALL_H

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "service/rpc/call_count.h"
#include "service/rpc/call_guard.h"
#include "service/rpc/status_mapping.h"

namespace signalbox::service {

/// One call on its way through other threads. Answered exactly once, by whoever is first: gRPC frees
/// the response with the answer, so a late one must not touch it. Thread-safe.
template <typename Response>
class UnaryCall final : public GuardedCall {
 public:
  /// Counts how the call ended; the response is only filled when that is kOk.
  using Count = std::function<void(absl::StatusCode, const Response&)>;

  /// `count` may be empty.
  UnaryCall(CallCount& calls, grpc::ServerUnaryReactor* reactor, Response* response, Count count)
      : token_(calls), reactor_(reactor), response_(response), count_(std::move(count)) {}

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
    if (count_) count_(static_cast<absl::StatusCode>(status.error_code()), *response_);
    reactor_->Finish(status);
  }

  const CallCount::Token token_;
  grpc::ServerUnaryReactor* const reactor_;
  Response* const response_;
  const Count count_;
  std::atomic<bool> is_over_{false};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_UNARY_CALL_H
