#ifndef SIGNALBOX_PYTHON_ERRORS_H
#define SIGNALBOX_PYTHON_ERRORS_H

#include <pybind11/pybind11.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace signalbox::python {

namespace py = pybind11;

/// The exception of signalbox.errors that stands for a status; None for OK.
py::object ToPython(const absl::Status& status);

/// Raises that exception in Python. `status` is not OK.
[[noreturn]] void Raise(const absl::Status& status);

inline void RaiseIfError(const absl::Status& status) {
  if (!status.ok()) Raise(status);
}

template <typename T>
T ValueOrRaise(absl::StatusOr<T> result) {
  if (!result.ok()) Raise(result.status());
  return *std::move(result);
}

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_ERRORS_H
