#include "errors.h"

#include <string>

namespace signalbox::python {

py::object ToPython(const absl::Status& status) {
  if (status.ok()) return py::none();
  const std::string_view text(status.message().data(), status.message().size());
  // The text may come from anywhere, and must not fail to be told for its bytes.
  const auto decoded = py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "replace"));
  return py::module_::import("signalbox.errors")
      .attr("error_for")(absl::StatusCodeToString(status.code()), decoded);
}

void Raise(const absl::Status& status) {
  const py::object error = ToPython(status);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

}  // namespace signalbox::python
