#ifndef SIGNALBOX_SERVICE_RPC_FIELD_RULES_H
#define SIGNALBOX_SERVICE_RPC_FIELD_RULES_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "service/domain/limits.h"
#include "service/domain/run.h"
#include "service/domain/token.h"
#include "signalbox/v1/run.pb.h"

// Rules of fields that several requests have. kInvalidArgument names the field and the limit.

namespace signalbox::service {

/// A reference to a run. kNotFound: it is well formed as a reference, but no run can have such a name.
absl::StatusOr<RunRef> ParseRun(const v1::RunRef& run, const Limits& limits);

absl::Status CheckRequestSize(const google::protobuf::Message& request, const Limits& limits);

absl::StatusOr<std::vector<std::string>> ParseKeys(
    const google::protobuf::RepeatedPtrField<std::string>& keys, const Limits& limits);

absl::StatusOr<std::map<std::string, std::string>> ParseLabels(
    const google::protobuf::Map<std::string, std::string>& labels, const Limits& limits);

absl::StatusOr<std::vector<KeyDeclaration>> ParseDeclarations(
    absl::string_view field, const google::protobuf::RepeatedPtrField<v1::KeyDeclaration>& keys,
    const Limits& limits);

/// A span of time; its parts must agree in sign, as protobuf demands.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view field,
                                             const google::protobuf::Duration& duration);

/// 0 means `default_size`; more than the limit means the limit.
absl::StatusOr<int> ParsePageSize(int32_t page_size, int default_size, const Limits& limits);

/// Nothing when `text` is empty.
absl::StatusOr<std::optional<PageToken>> ParsePageToken(const std::string& text, uint64_t fingerprint);

/// 32 bytes (SHA-256) that tell one content from another.
std::string Fingerprint(const google::protobuf::MessageLite& request);

/// The same for page tokens, which only need to tell a mistake.
uint64_t QueryFingerprint(const google::protobuf::MessageLite& request);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_FIELD_RULES_H
