// Answers as the client gets them from a server that may send anything, and values as it sends them. The
// first byte tells what the others are.
#include <google/protobuf/stubs/logging.h>

#include <string>
#include <string_view>

#include "fuzz.h"
#include "grpc_conversion.h"
#include "grpc_message_bytes.h"
#include "request_rules.h"

namespace signalbox::internal {
namespace {

void CheckValueOf(const google::protobuf::Value& proto) {
  const Value value = FromProto(proto);
  if (!CheckValue("value", value).ok()) return;
  google::protobuf::Value sent;
  ToProto(value, &sent);
  SIGNALBOX_PROPERTY(SerializedSize(value) == sent.ByteSizeLong());
  SIGNALBOX_PROPERTY(FromProto(sent) == value);
}

// What another process of the job is told is what this one knows.
void CheckMessages(std::string_view bytes) {
  const absl::StatusOr<std::vector<Message>> messages = MessagesFromBytes(bytes);
  if (!messages.ok()) return;
  const std::string told = MessagesToBytes(*messages);
  const absl::StatusOr<std::vector<Message>> heard = MessagesFromBytes(told);
  SIGNALBOX_PROPERTY(heard.ok() && heard->size() == messages->size());
  SIGNALBOX_PROPERTY(MessagesToBytes(*heard) == told);
}

template <typename Answer, typename Check>
void Parse(std::string_view bytes, Check check) {
  Answer answer;
  if (answer.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) check(answer);
}

void CheckAny(char which, std::string_view bytes) {
  const auto convert = [](const auto& answer) { (void)FromProto(answer); };
  switch (which) {
    case 'V':
      return Parse<google::protobuf::Value>(bytes, CheckValueOf);
    case 'M':
      return CheckMessages(bytes);
    case 'S':
      return Parse<v1::SubscribeResponse>(bytes, convert);
    case 'A':
      return Parse<v1::AckResponse>(bytes, convert);
    case 'P':
      return Parse<v1::PublishManyResponse>(bytes, convert);
    case 'H':
      return Parse<v1::ListMessagesResponse>(bytes, convert);
    case 'R':
      return Parse<v1::ListRunsResponse>(bytes, convert);
    default:
      return;
  }
}

}  // namespace
}  // namespace signalbox::internal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);  // It reports each text that is not UTF-8.
  const std::string_view bytes = signalbox::fuzz::TextOf(data, size);
  if (!bytes.empty()) signalbox::internal::CheckAny(bytes.front(), bytes.substr(1));
  return 0;
}
