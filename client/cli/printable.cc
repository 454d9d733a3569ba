#include "cli/printable.h"

#include <cstdint>

#include "absl/strings/str_format.h"
#include "cli/utf8.h"

namespace signalbox::cli {
namespace {

bool IsControl(uint32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

// Line separators, and the marks that let text show in another order than it is stored.
bool Reorders(uint32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

std::string Escape(uint32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    default:
      return absl::StrFormat("\\u%04x", c);
  }
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = DecodeCodePoint(text);
    if (!c.valid) {
      absl::StrAppendFormat(&out, "\\x%02x", c.value);
    } else if (IsControl(c.value) || Reorders(c.value)) {
      out += Escape(c.value);
    } else {
      out.append(text.substr(0, c.length));
    }
    text.remove_prefix(c.length);
  }
  return out;
}

std::string PrintableJson(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const CodePoint c = DecodeCodePoint(json);
    if (!c.valid) {
      out += "\\ufffd";
    } else if ((IsControl(c.value) && c.value != '\n') || Reorders(c.value)) {
      out += Escape(c.value);
    } else {
      out.append(json.substr(0, c.length));
    }
    json.remove_prefix(c.length);
  }
  return out;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += IsUtf8Continuation(c) ? 0 : 1;
  return width;
}

std::string Truncated(std::string_view text, std::size_t width) {
  if (width == 0) return "";
  if (DisplayWidth(text) <= width) return std::string(text);
  std::size_t end = 0;
  for (std::size_t count = 0; count < width - 1; ++count) {
    ++end;
    while (end < text.size() && IsUtf8Continuation(text[end])) ++end;
  }
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace signalbox::cli
