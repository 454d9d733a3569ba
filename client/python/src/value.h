#ifndef SIGNALBOX_PYTHON_VALUE_H
#define SIGNALBOX_PYTHON_VALUE_H

#include <pybind11/pybind11.h>

#include <map>
#include <string>
#include <vector>

#include "signalbox/value.h"

namespace signalbox::python {

namespace py = pybind11;

/// None, bool, int, float, str, list, tuple, and dict with str keys; what has `__index__` or
/// `__float__`, such as numpy's scalars, counts as an int or a float. Raises InvalidArgumentError that
/// names `field`: another type, an int beyond 2^53, NaN or infinite, not UTF-8, nested too deeply.
Value ValueFrom(const char* field, py::handle object);

/// A str, a list of str, and a dict of str, as UTF-8. Raises InvalidArgumentError that names `field`.
std::string TextFrom(const char* field, py::handle text);
std::vector<std::string> TextsFrom(const char* field, const py::list& texts);
std::map<std::string, std::string> TextsFrom(const char* field, const py::dict& texts);

/// A number is an int where an int holds it exactly, else a float; -0.0 is a float.
py::object ToPython(const Value& value);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_VALUE_H
