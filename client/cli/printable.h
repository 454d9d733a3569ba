#ifndef SIGNALBOX_CLI_PRINTABLE_H
#define SIGNALBOX_CLI_PRINTABLE_H

#include <cstddef>
#include <string>
#include <string_view>

namespace signalbox::cli {

/// `text` as one line that a terminal shows and never obeys: control characters (C0, DEL, C1), line
/// separators, marks that reorder text and bytes that are not UTF-8 become escapes, such as \n or
/// \u001b. Keys, values and error texts come from other people.
std::string Printable(std::string_view text);

/// The same for a JSON document. Its strings may hold C1 and reordering marks in the clear; as \u
/// escapes they mean the same. Line breaks between the elements stay.
std::string PrintableJson(std::string_view json);

/// Number of code points; close enough to columns for tables.
std::size_t DisplayWidth(std::string_view text);

/// At most `width` code points, the last one "…" when something was cut off.
std::string Truncated(std::string_view text, std::size_t width);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_PRINTABLE_H
