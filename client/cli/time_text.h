#ifndef SIGNALBOX_CLI_TIME_TEXT_H
#define SIGNALBOX_CLI_TIME_TEXT_H

#include <string>

#include "absl/time/time.h"

namespace signalbox::cli {

/// RFC 3339 in UTC with microseconds, "2026-11-23T13:40:21.000250Z"; empty for a time that has not
/// come (absl::InfiniteFuture()).
std::string IsoTime(absl::Time time);

/// For people: "3s ago", "in 5m", "now"; the date when it is more than 30 days away; empty as above.
std::string RelativeTime(absl::Time time, absl::Time now);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_TIME_TEXT_H
