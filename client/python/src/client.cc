#include "signalbox/client.h"

#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client.h"
#include "conversion.h"
#include "enums.h"
#include "errors.h"
#include "message.h"
#include "value.h"
#include "without_gil.h"

namespace signalbox::python {
namespace {

using OptionalText = std::optional<std::string>;
using Seconds = std::optional<double>;

void Replace(std::string& field, OptionalText text) {
  if (text.has_value()) field = *std::move(text);
}

std::unique_ptr<Client> Make(OptionalText address, OptionalText token, OptionalText token_file,
                             OptionalText ca_file, OptionalText cert_file, OptionalText key_file,
                             double call_timeout) {
  ClientOptions options = ClientOptions::FromEnvironment();
  // What is given here takes the place of the environment's token, whichever form that has.
  if (token.has_value() || token_file.has_value()) options.token = options.token_file = "";
  Replace(options.address, std::move(address));
  Replace(options.token, std::move(token));
  Replace(options.token_file, std::move(token_file));
  Replace(options.ca_file, std::move(ca_file));
  Replace(options.cert_file, std::move(cert_file));
  Replace(options.key_file, std::move(key_file));
  options.call_timeout = absl::Seconds(call_timeout);
  return ValueOrRaise(WithoutGil([&] { return Client::Create(options); }));
}

// One call of the library with the GIL released; raises what it answers when that is an error.
template <typename Call>
auto Wait(Call call) {
  return ValueOrRaise(WithoutGil(std::move(call)));
}

py::tuple Publish(Client& client, const RunRef& run, const std::string& key, const py::object& value,
                  const py::object& kind, const std::string& request_id, Seconds ttl,
                  const std::string& reason, Seconds timeout) {
  PublishRequest request{run,
                         key,
                         ValueFrom("value", value),
                         KindFrom("kind", kind),
                         request_id,
                         Timeout(ttl).value_or(absl::InfiniteDuration()),
                         reason};
  PublishResult result = Wait([&] { return client.Publish(std::move(request), Timeout(timeout)); });
  return py::make_tuple(BoundMessage(std::move(result.message)), std::move(result.superseded_ids));
}

std::optional<BoundMessage> Get(Client& client, const RunRef& run, const std::string& key, Seconds timeout) {
  GetResult result = Wait([&] { return client.Get(run, key, Timeout(timeout)); });
  if (!result.message.has_value()) return std::nullopt;
  return BoundMessage(*std::move(result.message));
}

py::list GetAll(Client& client, const RunRef& run, const std::vector<std::string>& keys, Seconds timeout) {
  return ToPython(Wait([&] { return client.GetAll(run, keys, Timeout(timeout)); }));
}

// Tuples (message_id, claimed, message).
py::list SendAck(Client& client, const std::vector<std::string>& message_ids, const std::string& consumer,
                 const py::object& outcome, const py::object& reply, const std::string& error, int64_t step,
                 Seconds timeout) {
  const Ack ack = AckFrom(outcome, reply, error, step);
  py::list list;
  for (AckResult& result : Wait([&] { return client.Ack(message_ids, consumer, ack, Timeout(timeout)); })) {
    list.append(py::make_tuple(result.message_id, result.claimed, BoundMessage(std::move(result.message))));
  }
  return list;
}

BoundMessage Await(Client& client, const std::string& message_id, double wait, const py::object& until) {
  const AwaitUntil reached = AwaitUntilFrom("until", until);
  return BoundMessage(Wait([&] { return client.Await(message_id, absl::Seconds(wait), reached); }));
}

BoundMessage Cancel(Client& client, const std::string& message_id, const std::string& reason,
                    Seconds timeout) {
  return BoundMessage(Wait([&] { return client.Cancel(message_id, reason, Timeout(timeout)); }));
}

py::list ListMessages(Client& client, const RunRef& run, std::vector<std::string> keys,
                      const std::vector<py::object>& states, int limit, Seconds timeout) {
  ListMessagesRequest request{run, std::move(keys), {}, limit};
  for (const py::object& state : states) request.states.push_back(MessageStateFrom("states", state));
  return ToPython(Wait([&] { return client.ListMessages(request, Timeout(timeout)); }));
}

Run CreateRun(Client& client, const std::string& project, const std::string& run_id, const std::string& title,
              const std::map<std::string, std::string>& labels, Seconds timeout) {
  const CreateRunRequest request{project, run_id, title, labels};
  return Wait([&] { return client.CreateRun(request, Timeout(timeout)); });
}

Run GetRun(Client& client, const RunRef& run, Seconds timeout) {
  return Wait([&] { return client.GetRun(run, Timeout(timeout)); });
}

std::vector<Run> ListRuns(Client& client, const std::string& project, const py::object& state,
                          const std::map<std::string, std::string>& labels, int limit, Seconds timeout) {
  const ListRunsRequest request{project, RunStateFrom("state", state), labels, limit};
  return Wait([&] { return client.ListRuns(request, Timeout(timeout)); });
}

Run EndRun(Client& client, const RunRef& run, const py::object& outcome, Seconds timeout) {
  const RunOutcome ended = RunOutcomeFrom("outcome", outcome);
  return Wait([&] { return client.EndRun(run, ended, Timeout(timeout)); });
}

Run DeclareKeys(Client& client, const RunRef& run, const std::vector<KeyDeclaration>& keys, Seconds timeout) {
  return Wait([&] { return client.DeclareKeys(run, keys, Timeout(timeout)); });
}

}  // namespace

void BindClient(py::module_& module) {
  py::class_<Client>(module, "Client")
      .def(py::init(&Make))
      .def("publish", &Publish)
      .def("get", &Get)
      .def("get_all", &GetAll)
      .def("ack", &SendAck)
      .def("await_message", &Await)
      .def("cancel", &Cancel)
      .def("list_messages", &ListMessages)
      .def("create_run", &CreateRun)
      .def("get_run", &GetRun)
      .def("list_runs", &ListRuns)
      .def("end_run", &EndRun)
      .def("declare_keys", &DeclareKeys);
}

}  // namespace signalbox::python
