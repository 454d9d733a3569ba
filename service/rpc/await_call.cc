#include "service/rpc/await_call.h"

#include <utility>

#include "absl/time/clock.h"
#include "service/rpc/proto_conversion.h"

namespace signalbox::service {

grpc::ServerUnaryReactor* AwaitCall::Start(const ServiceParts& parts, const AwaitQuery& query,
                                           v1::AwaitResponse* response) {
  const std::shared_ptr<AwaitCall> call(new AwaitCall(parts, response));
  call->self_ = call;
  // Weak, because the alarm, which belongs to the call, keeps its callback for as long as it lives.
  call->alarm_.Set(absl::ToChronoTime(absl::Now() + query.timeout),
                   [weak = std::weak_ptr<AwaitCall>(call)](bool is_timeout) {
                     const std::shared_ptr<AwaitCall> waiting = is_timeout ? weak.lock() : nullptr;
                     if (waiting != nullptr) waiting->OnTimeout();
                   });
  call->ticket_ = parts.awaits.Await(query.id, query.until, [call](absl::StatusOr<MessagePtr> message) {
    call->OnOver(std::move(message));
  });
  if (call->is_timeout_) call->OnTimeout();  // it came before the ticket
  return call.get();
}

void AwaitCall::OnOver(absl::StatusOr<MessagePtr> message) {
  if (is_over_.exchange(true)) return;
  alarm_.Cancel();
  if (message.ok()) ToProto(**message, response_->mutable_message());
  Finish(ToGrpc(message.status()));
}

void AwaitCall::OnTimeout() {
  is_timeout_ = true;
  if (ticket_ == 0) return;
  parts_.guard.Watch(weak_from_this());
  parts_.awaits.Expire(ticket_);
}

void AwaitCall::GiveUp(const absl::Status& status) {
  parts_.awaits.Forget(ticket_);
  OnOver(status);
}

void AwaitCall::OnCancel() { GiveUp(absl::CancelledError("the caller has gone")); }

void AwaitCall::OnDone() {
  const std::shared_ptr<AwaitCall> last = std::move(self_);  // may delete this, after the member is empty
}

}  // namespace signalbox::service
