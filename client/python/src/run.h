#ifndef SIGNALBOX_PYTHON_RUN_H
#define SIGNALBOX_PYTHON_RUN_H

#include <pybind11/pybind11.h>

namespace signalbox::python {

/// Binds RunRef, KeyDeclaration and RunInfo.
void BindRun(pybind11::module_& module);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_RUN_H
