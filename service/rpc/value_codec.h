#ifndef SIGNALBOX_SERVICE_RPC_VALUE_CODEC_H
#define SIGNALBOX_SERVICE_RPC_VALUE_CODEC_H

#include <google/protobuf/struct.pb.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace signalbox::service {

/// Serializes a value the same way each time (keys of objects in order), after checking that every
/// nested value has a kind, numbers are finite, at most `max_depth` arrays and objects are around any
/// scalar, and the result has at most `max_bytes`. kInvalidArgument names `field` and the limit.
absl::StatusOr<std::string> SerializeValue(std::string_view field, const google::protobuf::Value& value,
                                           int max_depth, size_t max_bytes);

/// Appends `message` to `out`, serialized the same way each time: for fingerprints.
void AppendDeterministic(const google::protobuf::MessageLite& message, std::string& out);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_VALUE_CODEC_H
