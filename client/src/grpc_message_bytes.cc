#include "grpc_message_bytes.h"

#include "grpc_conversion.h"

namespace signalbox::internal {

std::string MessagesToBytes(const std::vector<Message>& messages) {
  v1::GetAllResponse proto;
  for (const Message& message : messages) ToProto(message, proto.add_messages());
  return proto.SerializeAsString();
}

absl::StatusOr<std::vector<Message>> MessagesFromBytes(std::string_view bytes) {
  v1::GetAllResponse proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InternalError("messages that came from another process cannot be read");
  }
  return FromProto(proto).messages;
}

}  // namespace signalbox::internal
