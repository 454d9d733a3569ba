// Values as they arrive: accepted exactly when they obey every limit, and then kept bit for bit.
#include "service/rpc/value_codec.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/match.h"
#include "fuzz.h"
#include "service/domain/limits.h"

namespace signalbox::service {
namespace {

using google::protobuf::Value;

// What the limits are about, found by recursion, which the parser of protobuf bounds.
struct Facts {
  int depth = 0;
  bool all_finite = true;
  bool all_have_kinds = true;
};

Facts FactsOf(const Value& value) {
  Facts facts;
  facts.all_have_kinds = value.kind_case() != Value::KIND_NOT_SET;
  facts.all_finite = std::isfinite(value.number_value());
  const bool is_container = value.has_list_value() || value.has_struct_value();
  facts.depth = is_container ? 1 : 0;
  const auto add = [&facts](const Value& item) {
    const Facts inner = FactsOf(item);
    facts.depth = std::max(facts.depth, inner.depth + 1);
    facts.all_finite &= inner.all_finite;
    facts.all_have_kinds &= inner.all_have_kinds;
  };
  for (const Value& item : value.list_value().values()) add(item);
  for (const auto& [key, item] : value.struct_value().fields()) add(item);
  return facts;
}

void CheckValue(const Value& value, const Limits& limits) {
  const absl::StatusOr<std::string> bytes =
      SerializeValue("value", value, limits.value_depth, limits.value_bytes);
  const Facts facts = FactsOf(value);
  const bool is_good = facts.all_have_kinds && facts.all_finite && facts.depth <= limits.value_depth &&
                       value.ByteSizeLong() <= limits.value_bytes;
  SIGNALBOX_PROPERTY(bytes.ok() == is_good);
  if (!bytes.ok()) {
    SIGNALBOX_PROPERTY(absl::IsInvalidArgument(bytes.status()));
    SIGNALBOX_PROPERTY(absl::StartsWith(bytes.status().message(), "value "));
    return;
  }
  SIGNALBOX_PROPERTY(bytes->size() <= limits.value_bytes);
  Value read;
  SIGNALBOX_PROPERTY(read.ParseFromString(*bytes));
  const absl::StatusOr<std::string> again =
      SerializeValue("value", read, limits.value_depth, limits.value_bytes);
  SIGNALBOX_PROPERTY(again.ok() && *again == *bytes);
}

}  // namespace
}  // namespace signalbox::service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);  // It reports each text that is not UTF-8.
  google::protobuf::Value value;
  if (!value.ParseFromArray(data, static_cast<int>(size))) return 0;
  signalbox::service::CheckValue(value, signalbox::service::Limits());
  // Small limits are met by small inputs.
  signalbox::service::CheckValue(value, {.value_bytes = 40, .value_depth = 3});
  return 0;
}
