#include "cli/duration_argument.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace signalbox::cli {

namespace {

absl::StatusOr<absl::Duration> Parse(std::string_view flag, std::string_view text, absl::Duration lowest,
                                     absl::string_view rule) {
  const absl::string_view name(flag.data(), flag.size());
  const absl::string_view given(text.data(), text.size());
  absl::Duration duration;
  if (!absl::ParseDuration(given, &duration)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": \"", given, "\" is not a duration; write for example 30s, 5m or 1h30m"));
  }
  if (duration < lowest) return absl::InvalidArgumentError(absl::StrCat(name, " must ", rule));
  if (duration == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " must be finite"));
  }
  return duration;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDurationArgument(std::string_view flag, std::string_view text) {
  return Parse(flag, text, absl::Nanoseconds(1), "be above zero");
}

absl::StatusOr<absl::Duration> ParseWaitArgument(std::string_view flag, std::string_view text) {
  return Parse(flag, text, absl::ZeroDuration(), "not be negative");
}

}  // namespace signalbox::cli
