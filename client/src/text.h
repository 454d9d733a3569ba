#ifndef SIGNALBOX_SRC_TEXT_H
#define SIGNALBOX_SRC_TEXT_H

#include <cstddef>
#include <string>
#include <string_view>

namespace signalbox::internal {

/// Whether `text` is UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool IsUtf8(std::string_view text);

/// Any bytes turned into what the server takes as an error text: UTF-8 of at most `max_bytes`, cut
/// between characters, with every bad byte and NUL replaced by a question mark.
std::string CleanErrorText(std::string_view text, std::size_t max_bytes);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_TEXT_H
