#ifndef SIGNALBOX_SRC_GRPC_INBOX_WIRE_H
#define SIGNALBOX_SRC_GRPC_INBOX_WIRE_H

#include <memory>

#include "grpc_connection.h"
#include "inbox_wire.h"

namespace signalbox::internal {

/// The wire over gRPC: one completion queue, polled by the thread that calls Wait(). Starts gRPC;
/// whoever calls this blocks signals, so that gRPC's threads do not take them.
std::unique_ptr<InboxWire> MakeGrpcInboxWire(std::shared_ptr<GrpcConnection> connection);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_INBOX_WIRE_H
