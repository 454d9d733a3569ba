#include "signalbox/value.h"

#include <array>
#include <charconv>
#include <cmath>

namespace signalbox {
namespace {

void AppendString(const std::string& text, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  *out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '\t') {
      *out += "\\t";
    } else if (c == '\r') {
      *out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      // DEL is legal in JSON, but it must not reach a terminal.
      *out += "\\u00";
      *out += kDigits[byte >> 4];
      *out += kDigits[byte & 15];
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void AppendNumber(double number, std::string* out) {
  if (!std::isfinite(number)) {
    *out += "null";
    return;
  }
  constexpr double kExactIntegers = 9007199254740992;  // 2^53
  std::array<char, 32> buffer;
  char* const last = buffer.data() + buffer.size();
  // 100000, not the shorter 1e+05.
  const bool is_plain_integer = number == std::trunc(number) && std::abs(number) <= kExactIntegers;
  const auto end = is_plain_integer ? std::to_chars(buffer.data(), last, number, std::chars_format::fixed).ptr
                                    : std::to_chars(buffer.data(), last, number).ptr;
  out->append(buffer.data(), end);
}

void Append(const Value& value, std::string* out) {
  if (const bool* flag = value.as_bool()) {
    *out += *flag ? "true" : "false";
  } else if (const double* number = value.as_number()) {
    AppendNumber(*number, out);
  } else if (const std::string* text = value.as_string()) {
    AppendString(*text, out);
  } else if (const Value::List* list = value.as_list()) {
    const char* separator = "[";
    for (const Value& element : *list) {
      *out += separator;
      Append(element, out);
      separator = ",";
    }
    *out += list->empty() ? "[]" : "]";
  } else if (const Value::Object* object = value.as_object()) {
    const char* separator = "{";
    for (const auto& [key, element] : *object) {
      *out += separator;
      AppendString(key, out);
      *out += ':';
      Append(element, out);
      separator = ",";
    }
    *out += object->empty() ? "{}" : "}";
  } else {
    *out += "null";
  }
}

}  // namespace

std::string Value::ToJson() const {
  std::string out;
  Append(*this, &out);
  return out;
}

}  // namespace signalbox
