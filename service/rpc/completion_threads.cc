#include "service/rpc/completion_threads.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <memory>
#include <utility>

namespace signalbox::service {

// What a call that is under way needs.
struct CompletionThreads::Call {
  std::function<void()> task;
  grpc::ClientContext context;
  const grpc::Slice nothing;
  grpc::ByteBuffer request{&nothing, 1};
  grpc::ByteBuffer response;
};

// Without credentials gRPC makes a channel on which all operations fail.
CompletionThreads::CompletionThreads(int max_tasks)
    : max_tasks_(max_tasks), stub_(grpc::CreateChannel("", nullptr)) {}

absl::Status CompletionThreads::Submit(std::function<void()> task) {
  {
    const absl::MutexLock lock(&mu_);
    if (is_stopping_) return absl::UnavailableError("the server is stopping");
    if (under_way_ >= max_tasks_)
      return absl::UnavailableError("the server is overloaded: too much is waiting");
    ++under_way_;
  }
  const auto call = std::make_shared<Call>();
  call->task = std::move(task);
  stub_.UnaryCall(&call->context, "/none", {}, &call->request, &call->response,
                  [this, call](const grpc::Status& /*failure*/) {
                    std::exchange(call->task, nullptr)();
                    Done();
                  });
  return absl::OkStatus();
}

void CompletionThreads::Done() {
  const absl::MutexLock lock(&mu_);
  --under_way_;
}

void CompletionThreads::Stop() {
  const absl::MutexLock lock(&mu_);
  is_stopping_ = true;
  mu_.Await(absl::Condition(this, &CompletionThreads::IsIdle));
}

}  // namespace signalbox::service
