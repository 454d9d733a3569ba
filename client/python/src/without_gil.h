#ifndef SIGNALBOX_PYTHON_WITHOUT_GIL_H
#define SIGNALBOX_PYTHON_WITHOUT_GIL_H

#include <pybind11/pybind11.h>

namespace signalbox::python {

namespace py = pybind11;

/// Takes the GIL back. When the interpreter is being finalized, a thread that is not the main one
/// would be ended here, by an unwinding that no destructor survives; it sleeps for ever instead, as
/// Python does from 3.14 on.
void TakeGil(PyThreadState* state);

/// Calls `function` with the GIL released: for everything that may wait. It must not touch Python.
/// (py::gil_scoped_release takes the GIL in a destructor, where the end of the thread is a crash.)
template <typename Function>
auto WithoutGil(Function function) -> decltype(function()) {
  PyThreadState* const state = PyEval_SaveThread();
  try {
    auto result = function();
    TakeGil(state);
    return result;
  } catch (const std::exception&) {
    TakeGil(state);
    throw;
  }
}

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_WITHOUT_GIL_H
