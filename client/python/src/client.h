#ifndef SIGNALBOX_PYTHON_CLIENT_H
#define SIGNALBOX_PYTHON_CLIENT_H

#include <pybind11/pybind11.h>

namespace signalbox::python {

/// Binds Client, which signalbox.Client is made of. Needs BindMessage() and BindRun().
void BindClient(pybind11::module_& module);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_CLIENT_H
