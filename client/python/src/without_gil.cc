#include "without_gil.h"

#include <cxxabi.h>
#include <unistd.h>

namespace signalbox::python {

void TakeGil(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (const abi::__forced_unwind&) {
    while (true) pause();
  }
}

}  // namespace signalbox::python
