#ifndef SIGNALBOX_SRC_GRPC_MESSAGE_BYTES_H
#define SIGNALBOX_SRC_GRPC_MESSAGE_BYTES_H

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "signalbox/message.h"

namespace signalbox::internal {

/// Messages as bytes that another process of the same job reads with MessagesFromBytes(). Keeps all
/// that a pending message has, and `error`.
std::string MessagesToBytes(const std::vector<Message>& messages);

/// kInternal: these are not bytes of MessagesToBytes().
absl::StatusOr<std::vector<Message>> MessagesFromBytes(std::string_view bytes);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_GRPC_MESSAGE_BYTES_H
