#ifndef SIGNALBOX_PYTHON_MESSAGE_H
#define SIGNALBOX_PYTHON_MESSAGE_H

#include <pybind11/pybind11.h>

#include <optional>
#include <utility>
#include <vector>

#include "signalbox/inbox.h"

namespace signalbox::python {

namespace py = pybind11;

/// signalbox.Message: a message, and the inbox it came from if there is one.
class BoundMessage {
 public:
  explicit BoundMessage(Message plain) : plain_(std::move(plain)) {}
  explicit BoundMessage(ReceivedMessage received) : received_(std::move(received)) {}

  const Message& message() const { return received_.has_value() ? **received_ : plain_; }

  /// Raises FailedPreconditionError when it did not come from an inbox.
  const ReceivedMessage& received() const;

 private:
  Message plain_;
  std::optional<ReceivedMessage> received_;
};

void BindMessage(py::module_& module);

/// As a list of signalbox.Message.
py::list ToPython(std::vector<Message> messages);

}  // namespace signalbox::python

#endif  // SIGNALBOX_PYTHON_MESSAGE_H
