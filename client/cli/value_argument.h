#ifndef SIGNALBOX_CLI_VALUE_ARGUMENT_H
#define SIGNALBOX_CLI_VALUE_ARGUMENT_H

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "signalbox/value.h"

namespace signalbox::cli {

/// Reads `text` as JSON when it is JSON, else as the string it is: 0.1, true, {"a": [1]}, "0.1" and
/// hello are a number, a bool, an object, and two strings.
///
/// kInvalidArgument names `flag`: numbers that JSON's doubles cannot hold (an integer beyond 2^53, a
/// number beyond the largest double, at any depth), an object that names a key twice, more than 32
/// lists and objects around a scalar, text that is not UTF-8.
absl::StatusOr<Value> ParseValueArgument(std::string_view flag, const std::string& text);

/// Reads a line that is one JSON document, with the same refusals; lists and objects may be one deeper,
/// for the object that the line is. kInvalidArgument says "the line …".
absl::StatusOr<Value> ParseJsonLine(const std::string& line);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_VALUE_ARGUMENT_H
