#ifndef SIGNALBOX_SRC_GRPC_STUBS_H
#define SIGNALBOX_SRC_GRPC_STUBS_H

#include <grpcpp/channel.h>

#include <memory>
#include <tuple>
#include <utility>

#include "signalbox/v1/message_service.grpc.pb.h"
#include "signalbox/v1/run_service.grpc.pb.h"

namespace signalbox::internal {

/// The stubs of all services on one channel. Thread-safe; calls under way outlive it.
class GrpcStubs {
 public:
  explicit GrpcStubs(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)), stubs_(channel_, channel_) {}

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  template <typename Service>
  Service::Stub& Of() {
    return std::get<typename Service::Stub>(stubs_);
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  std::tuple<v1::MessageService::Stub, v1::RunService::Stub> stubs_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_STUBS_H
