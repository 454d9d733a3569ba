#ifndef SIGNALBOX_SRC_GRPC_MESSAGE_STUB_H
#define SIGNALBOX_SRC_GRPC_MESSAGE_STUB_H

#include <memory>

#include "grpc_connection.h"
#include "message_stub.h"

namespace signalbox::internal {

/// The plain calls over gRPC. Starts gRPC at the first call.
std::unique_ptr<MessageStub> MakeGrpcMessageStub(std::shared_ptr<GrpcConnection> connection);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_MESSAGE_STUB_H
