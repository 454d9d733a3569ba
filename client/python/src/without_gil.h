#ifndef SIGNALBOX_PYTHON_WITHOUT_GIL_H
#define SIGNALBOX_PYTHON_WITHOUT_GIL_H

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

namespace signalbox::python {

namespace py = pybind11;

/// Calls `function`, which may run Python code or take the GIL. When the interpreter is being
/// finalized, a thread that is not the main one would be ended in there, by an unwinding that
/// destructors of Python objects do not survive; it sleeps for ever instead, as Python does from
/// 3.14 on. `function` must not own Python objects itself.
template <typename Function>
auto SleepingAtExit(Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const abi::__forced_unwind&) {
    while (true) pause();
  }
}

inline void TakeGil(PyThreadState* state) {
  SleepingAtExit([state] { PyEval_RestoreThread(state); });
}

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
