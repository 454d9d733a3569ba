#include "cli/utf8.h"

namespace signalbox::cli {

CodePoint DecodeCodePoint(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const CodePoint invalid = {lead, 1, false};
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return invalid;
  uint32_t value = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!IsUtf8Continuation(text[i])) return invalid;
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  constexpr uint32_t kSmallestOfLength[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallestOfLength[length] || value > 0x10FFFF || surrogate) return invalid;
  return {value, length, true};
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = DecodeCodePoint(text);
    if (!c.valid) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

}  // namespace signalbox::cli
