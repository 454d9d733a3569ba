#include "handlers.h"

#include <exception>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "message.h"
#include "value.h"

namespace signalbox::python {
namespace {

// One call of Dispatch(). Handlers may dispatch another inbox, so there may be several on a thread.
struct Running {
  py::handle inbox;
  std::exception_ptr interrupt;  // What must leave Dispatch().
  Running* outer;
};

thread_local Running* running = nullptr;

// Makes a Running the innermost one while it lives.
class Scope {
 public:
  explicit Scope(py::handle inbox) : here_{inbox, nullptr, running} { running = &here_; }
  ~Scope() { running = here_.outer; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  bool IsInterrupted() const { return here_.interrupt != nullptr; }
  void RaiseIfInterrupted() const {
    if (here_.interrupt != nullptr) std::rethrow_exception(here_.interrupt);
  }

 private:
  Running here_;
};

// "ValueError: no such layer". The text of an exception is the program's own code, and may fail too.
std::string TextOf(const py::error_already_set& error) {
  const std::string type = py::str(error.type().attr("__name__"));
  PyObject* const text = PyObject_Str(error.value().ptr());
  if (text == nullptr) PyErr_Clear();
  const auto owner = py::reinterpret_steal<py::object>(text);
  py::ssize_t size = 0;
  const char* bytes = text == nullptr ? nullptr : PyUnicode_AsUTF8AndSize(text, &size);
  if (bytes == nullptr) PyErr_Clear();
  const std::string said = bytes == nullptr ? "" : std::string(bytes, static_cast<std::size_t>(size));
  return said.empty() ? type : absl::StrCat(type, ": ", said);
}

}  // namespace

HandlerResult CallPythonHandler(const Message& message) {
  try {
    const py::object reply = running->inbox.attr("_handle")(BoundMessage(message));
    return ValueFrom("the handler ran, but its answer is invalid", reply);
  } catch (const py::error_already_set& error) {
    if (!error.matches(PyExc_Exception)) running->interrupt = std::current_exception();
    return absl::UnknownError(TextOf(error));
  }
}

int Dispatch(py::handle self, Inbox& inbox, int64_t step) {
  // What comes in meanwhile waits for the next call: a handler may publish to its own run.
  std::size_t left = inbox.GetAll().size();
  if (left == 0) return 0;
  const Scope scope(self);
  int count = 0;
  for (; left > 0 && !scope.IsInterrupted(); --left) {
    if (inbox.Dispatch(step, 1) == 0) break;
    ++count;
  }
  scope.RaiseIfInterrupted();
  return count;
}

}  // namespace signalbox::python
