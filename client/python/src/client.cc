#include "signalbox/client.h"

#include <pybind11/stl.h>

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

using Seconds = std::optional<double>;

void Replace(std::string& option, const char* field, const py::object& text) {
  if (!text.is_none()) option = TextFrom(field, text);
}

std::unique_ptr<Client> Make(const py::object& address, const py::object& token, const py::object& token_file,
                             const py::object& ca_file, const py::object& cert_file,
                             const py::object& key_file, double call_timeout) {
  ClientOptions options = ClientOptions::FromEnvironment();
  // What is given here takes the place of the environment's token, whichever form that has.
  if (!token.is_none() || !token_file.is_none()) options.token = options.token_file = "";
  Replace(options.address, "address", address);
  Replace(options.token, "token", token);
  Replace(options.token_file, "token_file", token_file);
  Replace(options.ca_file, "ca_file", ca_file);
  Replace(options.cert_file, "cert_file", cert_file);
  Replace(options.key_file, "key_file", key_file);
  options.call_timeout = absl::Seconds(call_timeout);
  return ValueOrRaise(WithoutGil([&] { return Client::Create(options); }));
}

// One call of the library with the GIL released; raises what it answers when that is an error.
template <typename Call>
auto Wait(Call call) {
  return ValueOrRaise(WithoutGil(std::move(call)));
}

PublishRequest RequestFrom(const RunRef& run, const py::object& key, const py::object& value,
                           const py::object& kind, const py::object& request_id, Seconds ttl,
                           const py::object& reason) {
  return {run,
          TextFrom("key", key),
          ValueFrom("value", value),
          KindFrom("kind", kind),
          TextFrom("request_id", request_id),
          Timeout(ttl).value_or(absl::InfiniteDuration()),
          TextFrom("reason", reason)};
}

// A tuple (message, superseded_ids).
py::tuple Published(PublishResult result) {
  return py::make_tuple(BoundMessage(std::move(result.message)), std::move(result.superseded_ids));
}

py::tuple Publish(Client& client, const RunRef& run, const py::object& key, const py::object& value,
                  const py::object& kind, const py::object& request_id, Seconds ttl, const py::object& reason,
                  Seconds timeout) {
  PublishRequest request = RequestFrom(run, key, value, kind, request_id, ttl, reason);
  return Published(Wait([&] { return client.Publish(std::move(request), Timeout(timeout)); }));
}

// Takes requests, and gives a tuple or an exception for each.
py::list PublishMany(Client& client, std::vector<PublishRequest> requests, Seconds timeout) {
  std::vector<absl::StatusOr<PublishResult>> results =
      WithoutGil([&] { return client.PublishMany(std::move(requests), Timeout(timeout)); });
  py::list list;
  for (absl::StatusOr<PublishResult>& result : results) {
    if (result.ok()) {
      list.append(Published(*std::move(result)));
    } else {
      list.append(ToPython(result.status()));
    }
  }
  return list;
}

std::optional<BoundMessage> Get(Client& client, const RunRef& run, const py::object& key, Seconds timeout) {
  const std::string wanted = TextFrom("key", key);
  GetResult result = Wait([&] { return client.Get(run, wanted, Timeout(timeout)); });
  if (!result.message.has_value()) return std::nullopt;
  return BoundMessage(*std::move(result.message));
}

py::list GetAll(Client& client, const RunRef& run, const py::list& keys, Seconds timeout) {
  const std::vector<std::string> only = TextsFrom("keys", keys);
  return ToPython(Wait([&] { return client.GetAll(run, only, Timeout(timeout)); }));
}

// Tuples (message_id, claimed, message).
py::list SendAck(Client& client, const py::list& message_ids, const py::object& consumer,
                 const py::object& outcome, const py::object& reply, const py::object& error, int64_t step,
                 Seconds timeout) {
  const std::vector<std::string> ids = TextsFrom("message_ids", message_ids);
  const std::string name = TextFrom("consumer", consumer);
  const Ack ack = AckFrom(outcome, reply, error, step);
  py::list list;
  for (AckResult& result : Wait([&] { return client.Ack(ids, name, ack, Timeout(timeout)); })) {
    list.append(py::make_tuple(result.message_id, result.claimed, BoundMessage(std::move(result.message))));
  }
  return list;
}

BoundMessage Await(Client& client, const py::object& message_id, double wait, const py::object& until) {
  const std::string id = TextFrom("message_id", message_id);
  const AwaitUntil reached = AwaitUntilFrom("until", until);
  return BoundMessage(Wait([&] { return client.Await(id, absl::Seconds(wait), reached); }));
}

BoundMessage Cancel(Client& client, const py::object& message_id, const py::object& reason, Seconds timeout) {
  const std::string id = TextFrom("message_id", message_id);
  const std::string why = TextFrom("reason", reason);
  return BoundMessage(Wait([&] { return client.Cancel(id, why, Timeout(timeout)); }));
}

py::list ListMessages(Client& client, const RunRef& run, const py::list& keys,
                      const std::vector<py::object>& states, int limit, Seconds timeout) {
  ListMessagesRequest request{run, TextsFrom("keys", keys), {}, limit};
  for (const py::object& state : states) request.states.push_back(MessageStateFrom("states", state));
  return ToPython(Wait([&] { return client.ListMessages(request, Timeout(timeout)); }));
}

Run CreateRun(Client& client, const py::object& project, const py::object& run_id, const py::object& title,
              const py::dict& labels, Seconds timeout) {
  const CreateRunRequest request{TextFrom("project", project), TextFrom("run_id", run_id),
                                 TextFrom("title", title), TextsFrom("labels", labels)};
  return Wait([&] { return client.CreateRun(request, Timeout(timeout)); });
}

Run GetRun(Client& client, const RunRef& run, Seconds timeout) {
  return Wait([&] { return client.GetRun(run, Timeout(timeout)); });
}

std::vector<Run> ListRuns(Client& client, const py::object& project, const py::object& state,
                          const py::dict& labels, int limit, Seconds timeout) {
  const ListRunsRequest request{TextFrom("project", project), RunStateFrom("state", state),
                                TextsFrom("labels", labels), limit};
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
  py::class_<PublishRequest>(module, "PublishRequest").def(py::init(&RequestFrom));
  py::class_<Client>(module, "Client")
      .def(py::init(&Make))
      .def("publish", &Publish)
      .def("publish_many", &PublishMany)
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
