#include "signalbox/inbox.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "conversion.h"
#include "enums.h"
#include "errors.h"
#include "handlers.h"
#include "inbox.h"
#include "message.h"
#include "signalbox/client.h"
#include "value.h"
#include "without_gil.h"

namespace signalbox::python {
namespace {

// Owns an inbox; its destructor waits for the inbox's thread without the GIL.
class BoundInbox {
 public:
  explicit BoundInbox(std::unique_ptr<Inbox> inbox) : inbox_(std::move(inbox)) {}
  ~BoundInbox() {
    Unlocked([this] { inbox_.reset(); });
  }
  BoundInbox(const BoundInbox&) = delete;
  BoundInbox& operator=(const BoundInbox&) = delete;

  Inbox& operator*() const { return *inbox_; }
  Inbox* operator->() const { return inbox_.get(); }

  void Close() const {
    Unlocked([this] { inbox_->Close(); });
  }

 private:
  template <typename Function>
  static void Unlocked(Function function) {
    WithoutGil([&] {
      function();
      return true;
    });
  }

  std::unique_ptr<Inbox> inbox_;
};

std::unique_ptr<BoundInbox> Open(Client& client, const RunRef& run, const py::list& keys,
                                 const py::object& consumer, double refresh_interval, double silence_timeout,
                                 std::size_t max_outstanding_acks, bool listen) {
  InboxOptions options;
  options.run = run;
  options.keys = TextsFrom("keys", keys);
  options.consumer = TextFrom("consumer", consumer);
  options.refresh_interval = absl::Seconds(refresh_interval);
  options.silence_timeout = absl::Seconds(silence_timeout);
  options.max_outstanding_acks = max_outstanding_acks;
  options.listen = listen;
  return std::make_unique<BoundInbox>(
      ValueOrRaise(WithoutGil([&] { return client.OpenInbox(std::move(options)); })));
}

std::optional<BoundMessage> Get(const BoundInbox& inbox, std::string_view key) {
  std::optional<ReceivedMessage> message = inbox->Get(key);
  if (!message.has_value()) return std::nullopt;
  return BoundMessage(*std::move(message));
}

std::vector<BoundMessage> GetAll(const BoundInbox& inbox) {
  std::vector<BoundMessage> all;
  for (ReceivedMessage& message : inbox->GetAll()) all.emplace_back(std::move(message));
  return all;
}

void On(const BoundInbox& inbox, const py::object& key, const py::object& kind,
        const py::object& description) {
  KeyDeclaration declaration{TextFrom("key", key), KindFrom("kind", kind),
                             TextFrom("description", description)};
  RaiseIfError(inbox->On(std::move(declaration), &CallPythonHandler));
}

// (state, age in seconds, last error or None)
py::tuple Status(const BoundInbox& inbox) {
  const InboxStatus status = inbox->Status();
  return py::make_tuple(ToPython(status.state), absl::ToDoubleSeconds(status.age),
                        ToPython(status.last_error));
}

bool WaitSynced(const BoundInbox& inbox, double timeout) {
  return WithoutGil([&] { return inbox->WaitSynced(absl::Seconds(timeout)); });
}

// In slices, so that Ctrl-C is heard.
bool WaitNewer(const BoundInbox& inbox, int64_t sequence, double timeout) {
  constexpr absl::Duration kSlice = absl::Milliseconds(200);
  for (absl::Duration left = absl::Seconds(timeout); left >= absl::ZeroDuration(); left -= kSlice) {
    const absl::Duration slice = std::min(left, kSlice);
    if (WithoutGil([&] { return inbox->WaitNewer(sequence, slice); })) return true;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    const ConnectionState state = inbox->Status().state;
    if (state == ConnectionState::kEnded || state == ConnectionState::kClosed) return false;
  }
  return false;
}

// All at the same time: each may take its two seconds when the network is away.
void CloseAll(const std::vector<const BoundInbox*>& inboxes) {
  WithoutGil([&] {
    std::vector<std::thread> threads;
    threads.reserve(inboxes.size());
    for (const BoundInbox* inbox : inboxes) {
      try {
        threads.emplace_back([inbox] { (*inbox)->Close(); });
      } catch (const std::system_error&) {  // No thread can be had.
        (*inbox)->Close();
      }
    }
    for (std::thread& thread : threads) thread.join();
    return true;
  });
}

}  // namespace

void BindInbox(py::module_& module) {
  py::class_<BoundInbox>(module, "Inbox")
      .def(py::init(&Open), py::arg("client"), py::arg("run"), py::arg("keys"), py::arg("consumer"),
           py::arg("refresh_interval"), py::arg("silence_timeout"), py::arg("max_outstanding_acks"),
           py::arg("listen"))
      .def("get", &Get, py::arg("key"),
           "The oldest pending message of `key`, or None; at once, from memory.\n\n"
           "It stays in the inbox until it is acked.")
      .def("get_all", &GetAll, "All pending messages, oldest first; at once, from memory.")
      .def("_on", &On)
      .def(
          "dispatch",
          [](const py::object& self, int64_t step, const py::object& group, int64_t every) {
            Inbox& inbox = *self.cast<BoundInbox&>();
            return group.is_none() ? Dispatch(self, inbox, step)
                                   : DispatchInGroup(self, inbox, step, group, every);
          },
          py::arg("step") = 0, py::kw_only(), py::arg("group") = py::none(), py::arg("every") = 1,
          "Runs the handlers for what is pending, oldest first, on this thread; returns how many.\n\n"
          "Each message once per process. It becomes APPLIED, with what the handler returned as the\n"
          "reply and with `step`; or FAILED, with the exception's type and text. KeyboardInterrupt,\n"
          "SystemExit and their like also end the dispatch and are raised here. Returns 0 during\n"
          "another dispatch. Never waits.\n\n"
          "A handler that returns LATER only claims the message, and settles it later by its ack().\n\n"
          "With a `group`, the same on each of its processes: every process calls it at the same steps\n"
          "with handlers for the same keys, and handles the messages of process 0 in the same order, at\n"
          "the first call and then whenever `step` has passed a multiple of `every`. A message becomes\n"
          "APPLIED, with the reply of process 0, when every process applied it; else FAILED, with a text\n"
          "that names who did not. Waits for the other processes; when there is nothing to apply that is\n"
          "one broadcast of 16 bytes. Raises FailedPreconditionError when this process is at another step\n"
          "than process 0, and SignalboxError when the group's broadcast failed.")
      .def("_status", &Status)
      .def_property_readonly(
          "state", [](const BoundInbox& inbox) { return ToPython(inbox->Status().state); },
          "How it learns of messages right now: a ConnectionState.")
      .def_property_readonly(
          "consumer", [](const BoundInbox& inbox) { return inbox->consumer(); },
          "The name of this process towards the server.")
      .def("_wait_synced", &WaitSynced)
      .def("_wait_newer", &WaitNewer)
      .def("_close", &BoundInbox::Close)
      .def("_reopen",
           [](const BoundInbox& inbox) { RaiseIfError(WithoutGil([&] { return inbox->Reopen(); })); });
  module.def("close_all", &CloseAll);
}

}  // namespace signalbox::python
