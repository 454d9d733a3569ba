#ifndef SIGNALBOX_CLI_DURATION_ARGUMENT_H
#define SIGNALBOX_CLI_DURATION_ARGUMENT_H

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace signalbox::cli {

/// Reads a span such as "30s", "1.5h" or "1h30m". It must be above zero and finite; the error names
/// `flag` and shows how to write one.
absl::StatusOr<absl::Duration> ParseDurationArgument(std::string_view flag, std::string_view text);

/// The same for the time somebody waits, where 0 is fine: it means not at all.
absl::StatusOr<absl::Duration> ParseWaitArgument(std::string_view flag, std::string_view text);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_DURATION_ARGUMENT_H
