#ifndef SIGNALBOX_SRC_REQUEST_RULES_H
#define SIGNALBOX_SRC_REQUEST_RULES_H

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "signalbox/message.h"
#include "signalbox/run.h"

namespace signalbox::internal {

// What is checked before a request leaves the process: what protobuf cannot carry, and what nobody
// would hear of, because it is sent in the background. All other limits are the server's, which may
// be configured. Each returns kInvalidArgument with the field and its limit.

/// The most lists and objects around a scalar.
constexpr int kMaxValueDepth = 32;
constexpr std::size_t kMaxReplyBytes = 16 * 1024;
constexpr std::size_t kMaxErrorBytes = 1024;
constexpr std::size_t kMaxDeclaredKeys = 256;

absl::Status CheckText(std::string_view field, std::string_view text);

/// Depth, finite numbers, UTF-8.
absl::Status CheckValue(std::string_view field, const Value& value);

absl::Status CheckAck(const Ack& ack);

/// 1-128 bytes of UTF-8 without control characters or outer blanks.
absl::Status CheckKey(std::string_view key);

absl::Status CheckDeclaration(const KeyDeclaration& declaration);

/// `id` alone, or `project` together with a positive `rank`.
absl::Status CheckRun(const RunRef& run);

/// Bytes of `value` as protobuf writes a google.protobuf.Value.
std::size_t SerializedSize(const Value& value);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_REQUEST_RULES_H
