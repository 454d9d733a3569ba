#include "message.h"

#include <pybind11/stl.h>

#include <string>

#include "absl/time/time.h"
#include "conversion.h"
#include "enums.h"
#include "errors.h"
#include "value.h"
#include "without_gil.h"

namespace signalbox::python {
namespace {

using Class = py::class_<BoundMessage>;

py::str Repr(const BoundMessage& bound) {
  const Message& message = bound.message();
  return py::str("<signalbox.Message {} = {!r}, {} of run {}, {}>")
      .format(message.key, ToPython(message.value), message.sequence, message.run_id,
              std::string(ToString(message.state)));
}

py::object Reply(const BoundMessage& bound) {
  const std::optional<Value>& reply = bound.message().reply;
  return reply.has_value() ? ToPython(*reply) : py::none();
}

void SendAck(const BoundMessage& bound, const py::object& outcome, const py::object& reply,
             const py::object& error, int64_t step) {
  RaiseIfError(bound.received().Ack(AckFrom(outcome, reply, error, step)));
}

bool AckNow(const BoundMessage& bound, double timeout, const py::object& outcome, const py::object& reply,
            const py::object& error, int64_t step) {
  const ReceivedMessage& received = bound.received();
  Ack ack = AckFrom(outcome, reply, error, step);
  return ValueOrRaise(WithoutGil([&] { return received.AckNow(absl::Seconds(timeout), std::move(ack)); }));
}

// A read-only attribute: what `get` makes of the message.
template <typename Get>
void Attribute(Class& message, const char* name, Get get, const char* doc) {
  message.def_property_readonly(
      name, [get](const BoundMessage& bound) { return get(bound.message()); }, doc);
}

void BindAttributes(Class& message) {
  Attribute(
      message, "id", [](const Message& m) { return m.id; }, "Opaque, unique for ever.");
  Attribute(
      message, "run_id", [](const Message& m) { return m.run_id; }, "The run it is addressed to.");
  Attribute(
      message, "sequence", [](const Message& m) { return m.sequence; },
      "Place in the run: 1, 2, 3, ... without a gap.");
  Attribute(
      message, "key", [](const Message& m) { return m.key; }, "What it is about.");
  Attribute(
      message, "value", [](const Message& m) { return ToPython(m.value); },
      "None, bool, int, float, str, list or dict; a copy each time.");
  Attribute(
      message, "kind", [](const Message& m) { return ToPython(m.kind); }, "A Kind.");
  Attribute(
      message, "state", [](const Message& m) { return ToPython(m.state); },
      "A MessageState, as it was when this was received.");
  Attribute(
      message, "publisher", [](const Message& m) { return m.publisher; },
      "The authenticated caller; empty without authentication.");
  Attribute(
      message, "reason", [](const Message& m) { return m.reason; }, "Why it was published.");
  Attribute(
      message, "create_time", [](const Message& m) { return ToPython(m.create_time); }, "In UTC.");
  Attribute(
      message, "expire_time", [](const Message& m) { return ToPython(m.expire_time); },
      "In UTC; None when it never expires.");
  Attribute(
      message, "consumer", [](const Message& m) { return m.consumer; },
      "Who claimed it; empty when nobody did.");
  Attribute(
      message, "ack_time", [](const Message& m) { return ToPython(m.ack_time); },
      "In UTC; None when nobody claimed it.");
  Attribute(
      message, "finish_time", [](const Message& m) { return ToPython(m.finish_time); },
      "In UTC; None before its state is final.");
  message.def_property_readonly("reply", &Reply, "What the consumer answered; None when nothing.");
  Attribute(
      message, "error", [](const Message& m) { return m.error; }, "Why it failed or was cancelled.");
  Attribute(
      message, "step", [](const Message& m) { return m.step; },
      "The training step at which it was applied; 0 when not told.");
}

}  // namespace

const ReceivedMessage& BoundMessage::received() const {
  if (received_.has_value()) return *received_;
  Raise(absl::FailedPreconditionError(
      "only a message that was read from an inbox can be acked; dispatch() acks what it gives to handlers"));
}

void BindMessage(py::module_& module) {
  Class message(module, "Message", "A key and a value addressed to one run, and what became of them.");
  BindAttributes(message);
  const auto outcome = py::arg("outcome") = py::none();
  const auto reply = py::arg("reply") = py::ellipsis();
  const auto error = py::arg("error") = "";
  const auto step = py::arg("step") = 0;
  message.def("ack", &SendAck, outcome, py::kw_only(), reply, error, step,
              "Takes the message out of the inbox at once and claims it in the background.\n\n"
              "Never waits. `outcome` is \"APPLIED\", \"FAILED\" or None, which only claims it; `reply`\n"
              "(a value), `error` and `step` need an outcome. May be called again with an outcome\n"
              "after a call without one. Raises FailedPreconditionError when the inbox is closed or\n"
              "the message did not come from one, InvalidArgumentError, and ResourceExhaustedError\n"
              "when too many acks are under way.");
  message.def("_ack_now", &AckNow, py::arg("timeout"), outcome, py::kw_only(), reply, error, step);
  message.def("__repr__", &Repr);
  message.def(
      "__eq__", [](const BoundMessage& a, const BoundMessage& b) { return a.message().id == b.message().id; },
      py::is_operator());
  message.def("__hash__", [](const BoundMessage& bound) { return py::hash(py::str(bound.message().id)); });
}

py::list ToPython(std::vector<Message> messages) {
  py::list list(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) list[i] = py::cast(BoundMessage(std::move(messages[i])));
  return list;
}

}  // namespace signalbox::python
