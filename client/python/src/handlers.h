#ifndef SIGNALBOX_PYTHON_HANDLERS_H
#define SIGNALBOX_PYTHON_HANDLERS_H

#include <pybind11/pybind11.h>

#include <cstdint>

#include "signalbox/inbox.h"

namespace signalbox::python {

/// The handler to register with an Inbox for a key that Python handles. It holds nothing of Python's:
/// it hands the message to the `_handle` method of the inbox that Dispatch() was called for.
HandlerResult CallPythonHandler(const Message& message);

/// Runs the handlers for what is pending, with the GIL held, since they run on this thread; returns
/// how many it ran. `self` is the Python object around `inbox`.
///
/// What a handler raises fails its message. KeyboardInterrupt, SystemExit and their like also end the
/// dispatch, and are raised here.
int Dispatch(pybind11::handle self, Inbox& inbox, int64_t step);

/// Every process of `group`, a signalbox.Group, at the same step; see Inbox::Dispatch(step, group). The
/// GIL is held, the group's function gives it up while it waits.
int DispatchInGroup(pybind11::handle self, Inbox& inbox, int64_t step, pybind11::handle group, int64_t every);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_HANDLERS_H
