#ifndef SIGNALBOX_PYTHON_ENUMS_H
#define SIGNALBOX_PYTHON_ENUMS_H

#include <pybind11/pybind11.h>

#include "signalbox/client.h"

namespace signalbox::python {

namespace py = pybind11;

// The members of the classes in signalbox.enums, which are strings.

py::object ToPython(Kind kind);
py::object ToPython(MessageState state);
py::object ToPython(RunState state);
py::object ToPython(ConnectionState state);

/// None when there is none.
py::object ToPython(RunOutcome outcome);

// The way back, from a member or its name; None means unspecified. Each raises InvalidArgumentError
// that names `field` and what it may be.

Kind KindFrom(const char* field, const py::object& name);
MessageState MessageStateFrom(const char* field, const py::object& name);
RunState RunStateFrom(const char* field, const py::object& name);
RunOutcome RunOutcomeFrom(const char* field, const py::object& name);
AckOutcome AckOutcomeFrom(const char* field, const py::object& name);
AwaitUntil AwaitUntilFrom(const char* field, const py::object& name);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_ENUMS_H
