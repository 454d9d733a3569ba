#ifndef SIGNALBOX_PYTHON_CONVERSION_H
#define SIGNALBOX_PYTHON_CONVERSION_H

#include <pybind11/pybind11.h>

#include <optional>

#include "absl/time/time.h"
#include "signalbox/message.h"

namespace signalbox::python {

namespace py = pybind11;

/// An aware datetime in UTC; None for a time that has not come.
py::object ToPython(absl::Time time);

/// Seconds, which may be infinite; none means the default.
std::optional<absl::Duration> Timeout(std::optional<double> seconds);

/// How a message is to be settled; `reply` is `...` when there is none.
Ack AckFrom(const py::object& outcome, const py::object& reply, const py::object& error, int64_t step);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_CONVERSION_H
