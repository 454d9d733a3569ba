#include "service/rpc/event_bytes.h"

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <variant>

#include "service/rpc/proto_conversion.h"

namespace signalbox::service {
namespace {

grpc::ByteBuffer BytesOf(const v1::SubscribeResponse& response) {
  const grpc::Slice slice(response.SerializeAsString());
  return {&slice, 1};
}

}  // namespace

grpc::ByteBuffer EventBytes::Of(const FeedEvent& event, const Cursor& cursor, absl::Time now) {
  const auto* message = std::get_if<MessagePtr>(&event);
  Kept* kept =
      message == nullptr ? nullptr : &kept_[static_cast<size_t>((*message)->id.run_no) % kept_.size()];
  if (kept != nullptr) {
    const absl::MutexLock lock(&kept->mu);
    if (kept->message == *message) return kept->bytes;
  }
  v1::SubscribeResponse response;
  ToProto(event, cursor, now, &response);
  grpc::ByteBuffer bytes = BytesOf(response);
  if (kept != nullptr) {
    const absl::MutexLock lock(&kept->mu);
    kept->message = *message;
    kept->bytes = bytes;
  }
  return bytes;
}

}  // namespace signalbox::service
