#include "conversion.h"

#include "absl/time/civil_time.h"
#include "enums.h"
#include "value.h"

namespace signalbox::python {

py::object ToPython(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return py::none();
  const absl::TimeZone::CivilInfo civil = absl::UTCTimeZone().At(time);
  const py::module_ datetime = py::module_::import("datetime");
  const absl::CivilSecond& second = civil.cs;
  return datetime.attr("datetime")(
      second.year(), second.month(), second.day(), second.hour(), second.minute(), second.second(),
      absl::ToInt64Microseconds(civil.subsecond), datetime.attr("timezone").attr("utc"));
}

std::optional<absl::Duration> Timeout(std::optional<double> seconds) {
  if (!seconds.has_value()) return std::nullopt;
  return absl::Seconds(*seconds);
}

Ack AckFrom(const py::object& outcome, const py::object& reply, const py::object& error, int64_t step) {
  Ack ack{AckOutcomeFrom("outcome", outcome), std::nullopt, TextFrom("error", error), step};
  if (!reply.is(py::ellipsis())) ack.reply = ValueFrom("reply", reply);
  return ack;
}

}  // namespace signalbox::python
