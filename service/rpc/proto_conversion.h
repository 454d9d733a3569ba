#ifndef SIGNALBOX_SERVICE_RPC_PROTO_CONVERSION_H
#define SIGNALBOX_SERVICE_RPC_PROTO_CONVERSION_H

#include "absl/time/time.h"
#include "service/domain/message.h"
#include "service/domain/run.h"
#include "service/domain/run_changes.h"
#include "service/domain/token.h"
#include "service/feed/subscriber.h"
#include "signalbox/v1/message_service.pb.h"
#include "signalbox/v1/run.pb.h"

// Domain values as protocol messages.

namespace signalbox::service {

void ToProto(absl::Time time, google::protobuf::Timestamp* out);
void ToProto(const Message& message, v1::Message* out);
void ToProto(const Run& run, v1::Run* out);

/// An event of a stream. `cursor` gives the run and the epoch of a progress.
void ToProto(const FeedEvent& event, Cursor cursor, absl::Time now, v1::SubscribeResponse* out);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_PROTO_CONVERSION_H
