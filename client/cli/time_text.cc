#include "cli/time_text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace signalbox::cli {
namespace {

// The largest unit that fits, rounded down: enough to know how old something is.
std::string Rough(absl::Duration span) {
  struct Unit {
    absl::Duration length;
    const char* name;
  };
  static constexpr int64_t kHoursADay = 24;
  const Unit units[] = {{absl::Hours(kHoursADay), "d"}, {absl::Hours(1), "h"}, {absl::Minutes(1), "m"}};
  for (const Unit& unit : units) {
    if (span >= unit.length) return absl::StrCat(span / unit.length, unit.name);
  }
  return absl::StrCat(absl::ToInt64Seconds(span), "s");
}

}  // namespace

std::string IsoTime(absl::Time time) {
  if (time == absl::InfiniteFuture()) return "";
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

std::string RelativeTime(absl::Time time, absl::Time now) {
  if (time == absl::InfiniteFuture()) return "";
  const absl::Duration age = now - time;
  if (absl::AbsDuration(age) >= absl::Hours(30 * 24)) {
    return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
  }
  if (absl::AbsDuration(age) < absl::Seconds(1)) return "now";
  if (age < absl::ZeroDuration()) return absl::StrCat("in ", Rough(-age));
  return absl::StrCat(Rough(age), " ago");
}

}  // namespace signalbox::cli
