#include "handlers.h"

#include <exception>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors.h"
#include "message.h"
#include "value.h"
#include "without_gil.h"

namespace signalbox::python {
namespace {

// One call of Dispatch(). Handlers may dispatch another inbox, so there may be several on a thread.
struct Running {
  py::handle self;
  Inbox& inbox;
  std::exception_ptr interrupt;  // What must leave Dispatch().
  Running* outer;
};

thread_local Running* running = nullptr;

// Makes a Running the innermost one while it lives.
class Scope {
 public:
  Scope(py::handle self, Inbox& inbox) : here_{self, inbox, nullptr, running} { running = &here_; }
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

// For use where it is caught: what is not an Exception ends the dispatch.
absl::Status Caught(const py::error_already_set& error) {
  if (!error.matches(PyExc_Exception)) running->interrupt = std::current_exception();
  return absl::UnknownError(TextOf(error));
}

// What a handler returns when the outcome follows.
py::object Later() { return py::module_::import("signalbox.later").attr("LATER"); }

// A signalbox.Group.
class PythonGroup final : public Group {
 public:
  explicit PythonGroup(py::handle group)
      : group_(group), rank_(group.attr("rank").cast<int>()), size_(group.attr("size").cast<int>()) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  absl::Status Broadcast(void* data, std::size_t size, int root) override {
    try {
      const auto view = py::memoryview::from_memory(data, static_cast<py::ssize_t>(size));
      group_.attr("broadcast")(view, root);
      view.attr("release")();
      return absl::OkStatus();
    } catch (const py::error_already_set& error) {
      // One of the package's own errors leaves Dispatch() as it is.
      const py::object own = py::module_::import("signalbox.errors").attr("SignalboxError");
      if (error.matches(own)) running->interrupt = std::current_exception();
      return Caught(error);
    }
  }

 private:
  const py::handle group_;
  const int rank_;
  const int size_;
};

}  // namespace

HandlerResult CallPythonHandler(const Message& message) {
  try {
    const py::object handle = running->self.attr("_handle");
    const py::object argument = py::cast(BoundMessage(running->inbox.Receive(message)));
    const auto reply = py::reinterpret_steal<py::object>(
        SleepingAtExit([&] { return PyObject_CallOneArg(handle.ptr(), argument.ptr()); }));
    if (!reply) throw py::error_already_set();
    if (reply.is(Later())) return std::nullopt;
    return ValueFrom("the handler ran, but its answer is invalid", reply);
  } catch (const py::error_already_set& error) {
    return Caught(error);
  }
}

int Dispatch(py::handle self, Inbox& inbox, int64_t step) {
  // What comes in meanwhile waits for the next call: a handler may publish to its own run.
  std::size_t left = inbox.GetAll().size();
  if (left == 0) return 0;
  const Scope scope(self, inbox);
  int count = 0;
  for (; left > 0 && !scope.IsInterrupted(); --left) {
    if (inbox.Dispatch(step, 1) == 0) break;
    ++count;
  }
  scope.RaiseIfInterrupted();
  return count;
}

int DispatchInGroup(py::handle self, Inbox& inbox, int64_t step, py::handle group, int64_t every) {
  const Scope scope(self, inbox);
  PythonGroup processes(group);
  const absl::StatusOr<int> count = inbox.Dispatch(step, processes, every);
  scope.RaiseIfInterrupted();
  return ValueOrRaise(count);
}

}  // namespace signalbox::python
