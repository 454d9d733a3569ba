#include "service/rpc/value_codec.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/domain/text_rules.h"

namespace signalbox::service {
namespace {

using google::protobuf::Value;

absl::Status Invalid(std::string_view field, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(absl::string_view(field.data(), field.size()), " ", what));
}

// Walks without recursion: how deep a value is must not be the stack's business.
absl::Status Check(std::string_view field, const Value& root, int max_depth) {
  std::vector<std::pair<const Value*, int>> open = {{&root, 0}};
  while (!open.empty()) {
    const auto [value, depth] = open.back();
    open.pop_back();
    switch (value->kind_case()) {
      case Value::KIND_NOT_SET:
        return Invalid(field, "holds a value without a kind");
      case Value::kNumberValue:
        if (!std::isfinite(value->number_value())) return Invalid(field, "holds a number that is not finite");
        break;
      case Value::kListValue:
      case Value::kStructValue:
        if (depth == max_depth) {
          return Invalid(field, absl::StrCat("is nested deeper than ", max_depth, " arrays and objects"));
        }
        for (const Value& item : value->list_value().values()) open.emplace_back(&item, depth + 1);
        for (const auto& [key, item] : value->struct_value().fields()) open.emplace_back(&item, depth + 1);
        break;
      default:
        break;
    }
  }
  return absl::OkStatus();
}

}  // namespace

void AppendDeterministic(const google::protobuf::MessageLite& message, std::string& out) {
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
}

absl::StatusOr<std::string> SerializeValue(std::string_view field, const Value& value, int max_depth,
                                           size_t max_bytes) {
  if (absl::Status status = CheckSize(field, value.ByteSizeLong(), max_bytes); !status.ok()) return status;
  if (absl::Status status = Check(field, value, max_depth); !status.ok()) return status;
  std::string bytes;
  AppendDeterministic(value, bytes);
  return bytes;
}

}  // namespace signalbox::service
