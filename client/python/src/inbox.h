#ifndef SIGNALBOX_PYTHON_INBOX_H
#define SIGNALBOX_PYTHON_INBOX_H

#include <pybind11/pybind11.h>

namespace signalbox::python {

/// Binds Inbox, which signalbox.Inbox extends, and close_all(). Needs BindClient().
void BindInbox(pybind11::module_& module);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_INBOX_H
