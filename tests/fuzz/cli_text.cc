// What the command line reads from people and shows to them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "cli/printable.h"
#include "cli/utf8.h"
#include "cli/value_argument.h"
#include "fuzz.h"
#include "nlohmann/json.hpp"

namespace signalbox::cli {
namespace {

constexpr double kLargestExact = 9007199254740992;  // 2^53

// Depth, or -1 when the value holds what the server refuses.
int DepthOf(const Value& value) {
  int depth = 0;
  const auto add = [&depth](const Value& item) {
    const int inner = DepthOf(item);
    depth = inner < 0 || depth < 0 ? -1 : std::max(depth, inner + 1);
  };
  if (const double* number = value.as_number()) return std::isfinite(*number) ? 0 : -1;
  if (const std::string* text = value.as_string()) return IsUtf8(*text) ? 0 : -1;
  if (const Value::List* list = value.as_list()) {
    depth = 1;
    for (const Value& item : *list) add(item);
  }
  if (const Value::Object* object = value.as_object()) {
    depth = 1;
    for (const auto& [key, item] : *object) {
      add(item);
      if (!IsUtf8(key)) return -1;
    }
  }
  return depth;
}

// Numbers that print as an integer beyond 2^53 are refused when they are read again.
bool HasLargeNumber(const Value& value) {
  if (const double* number = value.as_number()) return std::abs(*number) > kLargestExact;
  if (const Value::List* list = value.as_list()) return std::ranges::any_of(*list, HasLargeNumber);
  const Value::Object* object = value.as_object();
  return object != nullptr &&
         std::ranges::any_of(*object, [](const auto& item) { return HasLargeNumber(item.second); });
}

// Equal, and not only as 0.0 and -0.0 are.
bool Same(const Value& a, const Value& b) { return a == b && a.ToJson() == b.ToJson(); }

void CheckValue(const std::string& text) {
  const absl::StatusOr<Value> value = ParseValueArgument("--value", text);
  if (!value.ok()) {
    SIGNALBOX_PROPERTY(absl::IsInvalidArgument(value.status()));
    SIGNALBOX_PROPERTY(absl::StartsWith(value.status().message(), "--value "));
    return;
  }
  SIGNALBOX_PROPERTY(DepthOf(*value) >= 0 && DepthOf(*value) <= 32);
  const nlohmann::json expected = nlohmann::json::parse(text, nullptr, false);
  const nlohmann::json shown = nlohmann::json::parse(value->ToJson());
  SIGNALBOX_PROPERTY(expected.is_discarded() ? shown == text : shown == expected);
  if (HasLargeNumber(*value)) return;
  const absl::StatusOr<Value> again = ParseValueArgument("--value", value->ToJson());
  SIGNALBOX_PROPERTY(again.ok() && Same(*again, *value));
  SIGNALBOX_PROPERTY(nlohmann::json::parse(PrintableJson(value->ToJson())) == shown);
}

bool IsHarmless(std::string_view shown, bool may_break_lines) {
  while (!shown.empty()) {
    const CodePoint c = DecodeCodePoint(shown);
    const bool is_control = c.value < 0x20 || (c.value >= 0x7f && c.value < 0xa0);
    const bool is_allowed = may_break_lines && c.value == '\n';
    if (!c.valid || (is_control && !is_allowed)) return false;
    shown.remove_prefix(c.length);
  }
  return true;
}

void CheckPrinting(const std::string& text) {
  const std::string shown = Printable(text);
  SIGNALBOX_PROPERTY(IsHarmless(shown, false));
  SIGNALBOX_PROPERTY(Printable(shown) == shown);
  SIGNALBOX_PROPERTY(IsHarmless(PrintableJson(text), true));
  for (size_t width : {0, 1, 5}) {
    const std::string cut = Truncated(shown, width);
    SIGNALBOX_PROPERTY(DisplayWidth(cut) <= width && IsUtf8(cut));
  }
}

}  // namespace
}  // namespace signalbox::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(signalbox::fuzz::TextOf(data, size));
  signalbox::cli::CheckValue(text);
  signalbox::cli::CheckPrinting(text);
  return 0;
}
