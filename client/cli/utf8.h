#ifndef SIGNALBOX_CLI_UTF8_H
#define SIGNALBOX_CLI_UTF8_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace signalbox::cli {

/// One code point, or one byte that belongs to none.
struct CodePoint {
  uint32_t value = 0;
  std::size_t length = 1;
  bool valid = false;
};

/// What `text`, which must not be empty, starts with. Overlong forms and surrogates are not valid.
CodePoint DecodeCodePoint(std::string_view text);

/// Whether `c` is a byte of a code point other than its first.
constexpr bool IsUtf8Continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool IsUtf8(std::string_view text);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_UTF8_H
