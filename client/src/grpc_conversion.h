#ifndef SIGNALBOX_SRC_GRPC_CONVERSION_H
#define SIGNALBOX_SRC_GRPC_CONVERSION_H

#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "inbox_wire.h"
#include "message_stub.h"
#include "signalbox/client.h"
#include "signalbox/v1/message_service.pb.h"
#include "signalbox/v1/run_service.pb.h"

namespace signalbox::internal {

// Between the public types and protobuf; the one place that knows the field names of both. Values
// must have passed CheckValue(), which bounds their depth; what comes from the wire is bounded by
// protobuf's own limit.

void ToProto(const Value& value, google::protobuf::Value* proto);
void ToProto(const RunRef& run, v1::RunRef* proto);
void ToProto(const KeyDeclaration& declaration, v1::KeyDeclaration* proto);
void ToProto(absl::Duration duration, google::protobuf::Duration* proto);
void ToProto(absl::Time time, google::protobuf::Timestamp* proto);

/// Leaves out acks: consumer, times, reply and step of a message that somebody acked.
void ToProto(const Message& message, v1::Message* proto);

v1::PublishRequest ToProto(const PublishRequest& request);
/// The first of `requests`, as many as the server takes in one call, which is at least one.
v1::PublishManyRequest ToProto(std::span<const PublishRequest* const> requests);
v1::AckRequest ToProto(const std::vector<std::string>& message_ids, const std::string& consumer,
                       const Ack& ack);
v1::SubscribeRequest ToProto(const StreamRequest& request);
v1::GetAllRequest ToGetAllRequest(const RunRef& run, const std::vector<std::string>& keys,
                                  const std::string& page_token);
v1::ListMessagesRequest ToProto(const ListMessagesRequest& request, int page_size,
                                const std::string& page_token);
v1::CreateRunRequest ToProto(const CreateRunRequest& request, const std::string& request_id);
v1::ListRunsRequest ToProto(const ListRunsRequest& request, int page_size, const std::string& page_token);
v1::DeclareKeysRequest ToDeclareKeysRequest(const RunRef& run, const std::vector<KeyDeclaration>& keys);

Value FromProto(const google::protobuf::Value& proto);
Message FromProto(const v1::Message& proto);
Run FromProto(const v1::Run& proto);
PublishResult FromProto(const v1::PublishResponse& proto);
std::vector<absl::StatusOr<PublishResult>> FromProto(const v1::PublishManyResponse& proto);
std::vector<AckResult> FromProto(const v1::AckResponse& proto);
MessagePage FromProto(const v1::GetAllResponse& proto);
MessagePage FromProto(const v1::ListMessagesResponse& proto);
RunPage FromProto(const v1::ListRunsResponse& proto);
WireEvent FromProto(const v1::SubscribeResponse& proto);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_CONVERSION_H
