#ifndef SIGNALBOX_SRC_GRPC_ENUM_CONVERSION_H
#define SIGNALBOX_SRC_GRPC_ENUM_CONVERSION_H

#include "signalbox/message.h"
#include "signalbox/run.h"
#include "signalbox/v1/message_service.pb.h"
#include "signalbox/v1/run_service.pb.h"

namespace signalbox::internal {

// Between the public enums and protobuf's. What a newer server says and this version does not know
// becomes unspecified.

v1::Kind ToProto(Kind kind);
Kind FromProto(v1::Kind kind);
v1::MessageState ToProto(MessageState state);
MessageState FromProto(v1::MessageState state);
v1::RunState ToProto(RunState state);
RunState FromProto(v1::RunState state);
RunOutcome FromProto(v1::RunOutcome outcome);
v1::AckOutcome ToProto(AckOutcome outcome);
v1::RunOutcome ToProto(RunOutcome outcome);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_ENUM_CONVERSION_H
