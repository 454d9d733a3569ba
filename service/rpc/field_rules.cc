#include "service/rpc/field_rules.h"

#include <google/protobuf/message.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "service/domain/text_rules.h"
#include "service/rpc/value_codec.h"

namespace signalbox::service {

absl::StatusOr<RunRef> ParseRun(const v1::RunRef& run, const Limits& limits) {
  if (!run.id().empty()) {
    if (!run.project().empty() || run.rank() != 0) {
      return absl::InvalidArgumentError("run: give either an id, or a project with a rank, not both");
    }
    if (!IsRunId(run.id(), limits.run_id_bytes)) {
      return absl::NotFoundError("there is no such run: run.id is not well formed");
    }
    return RunRef{.id = run.id()};
  }
  if (run.project().empty() && run.rank() == 0) {
    return absl::InvalidArgumentError("run is required: give an id, or a project with a rank");
  }
  if (run.project().empty())
    return absl::InvalidArgumentError(absl::StrCat("run: rank ", run.rank(), " needs a project"));
  if (run.rank() == 0) return absl::InvalidArgumentError("run: a project needs a rank");
  if (run.rank() < 0) return absl::InvalidArgumentError("run: rank must be greater than 0");
  if (!CheckProject("run.project", run.project(), limits.project_bytes).ok()) {
    return absl::NotFoundError("there is no such run: run.project is not well formed");
  }
  return RunRef{.project = run.project(), .rank = run.rank()};
}

absl::Status CheckRequestSize(const google::protobuf::Message& request, const Limits& limits) {
  return CheckSize("request", request.ByteSizeLong(), limits.request_bytes);
}

absl::StatusOr<std::vector<std::string>> ParseKeys(
    const google::protobuf::RepeatedPtrField<std::string>& keys, const Limits& limits) {
  if (std::cmp_greater(keys.size(), limits.filter_keys)) {
    return absl::InvalidArgumentError(
        absl::StrCat("keys has ", keys.size(), " elements; the limit is ", limits.filter_keys));
  }
  for (int i = 0; i < keys.size(); ++i) {
    absl::Status status = CheckKey(absl::StrCat("keys[", i, "]"), keys[i], limits.key_bytes);
    if (!status.ok()) return status;
  }
  return std::vector<std::string>(keys.begin(), keys.end());
}

absl::StatusOr<std::map<std::string, std::string>> ParseLabels(
    const google::protobuf::Map<std::string, std::string>& labels, const Limits& limits) {
  if (labels.size() > limits.labels) {
    return absl::InvalidArgumentError(
        absl::StrCat("labels has ", labels.size(), " elements; the limit is ", limits.labels));
  }
  std::map<std::string, std::string> parsed(labels.begin(), labels.end());
  for (const auto& [name, value] : parsed) {
    if (name.empty()) return absl::InvalidArgumentError("labels: a name is empty");
    absl::Status status = CheckText("labels: a name", name, limits.label_bytes);
    if (status.ok()) status = CheckText(absl::StrCat("labels['", name, "']"), value, limits.label_bytes);
    if (!status.ok()) return status;
  }
  return parsed;
}

absl::StatusOr<std::vector<KeyDeclaration>> ParseDeclarations(
    absl::string_view field, const google::protobuf::RepeatedPtrField<v1::KeyDeclaration>& keys,
    const Limits& limits) {
  if (keys.size() > limits.declared_keys) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " has ", keys.size(), " elements; the limit is ", limits.declared_keys));
  }
  std::vector<KeyDeclaration> parsed;
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < keys.size(); ++i) {
    const std::string name = absl::StrCat(field, "[", i, "]");
    absl::Status status = CheckKey(name + ".key", keys[i].key(), limits.key_bytes);
    if (status.ok())
      status = CheckText(name + ".description", keys[i].description(), limits.description_bytes);
    if (!status.ok()) return status;
    if (!v1::Kind_IsValid(keys[i].kind()))
      return absl::InvalidArgumentError(name + ".kind is not a known kind");
    if (!seen.insert(keys[i].key()).second) {
      return absl::InvalidArgumentError(absl::StrCat(name, ".key is given twice"));
    }
    const Kind kind = keys[i].kind() == v1::KIND_SETTING ? Kind::kSetting : Kind::kCommand;
    parsed.push_back({keys[i].key(), kind, keys[i].description()});
  }
  return parsed;
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view field,
                                             const google::protobuf::Duration& duration) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  // protobuf's own bounds: about 10,000 years.
  if (std::abs(seconds / 2) > 315'576'000'000 / 2 || nanos <= -1'000'000'000 || nanos >= 1'000'000'000 ||
      (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(field, " is not a valid duration"));
  }
  return absl::Seconds(seconds) + absl::Nanoseconds(nanos);
}

absl::StatusOr<int> ParsePageSize(int32_t page_size, int default_size, const Limits& limits) {
  if (page_size < 0) return absl::InvalidArgumentError("page_size must not be negative");
  return page_size == 0 ? default_size : std::min(page_size, limits.page_size);
}

absl::StatusOr<std::optional<PageToken>> ParsePageToken(const std::string& text, uint64_t fingerprint) {
  if (text.empty()) return std::optional<PageToken>();
  const std::optional<PageToken> token = DecodePageToken(text);
  if (!token) return absl::InvalidArgumentError("page_token is not one that this server gave out");
  if (token->query != fingerprint) return absl::InvalidArgumentError("page_token belongs to another query");
  return token;
}

std::string Fingerprint(const google::protobuf::MessageLite& request) {
  std::string bytes;
  AppendDeterministic(request, bytes);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

uint64_t QueryFingerprint(const google::protobuf::MessageLite& request) {
  std::string bytes(request.GetTypeName());
  AppendDeterministic(request, bytes);
  return StableHash(bytes);
}

}  // namespace signalbox::service
