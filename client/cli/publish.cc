#include "cli/publish.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/choices.h"
#include "cli/command.h"
#include "cli/duration_argument.h"
#include "cli/message_text.h"
#include "cli/publish_from.h"
#include "cli/run_flags.h"
#include "cli/value_argument.h"
#include "cli/wait.h"

namespace signalbox::cli {
namespace {

struct PublishFlags {
  RunFlags run;
  std::string key;
  std::string value;
  std::string kind;
  std::string ttl;
  std::string reason;
  std::string request_id;
  std::string wait;  // empty: do not wait
  std::string wait_timeout;
  std::string from;                           // empty: one message, of the flags
  const CLI::Option* value_option = nullptr;  // an empty value is a value
};

// All but the run.
absl::StatusOr<PublishRequest> MessageFrom(const PublishFlags& flags) {
  PublishRequest request;
  if (flags.value_option->count() > 0) {
    absl::StatusOr<Value> value = ParseValueArgument("--value", flags.value);
    if (!value.ok()) return value.status();
    request.value = *std::move(value);
  }
  if (!flags.ttl.empty()) {
    absl::StatusOr<absl::Duration> ttl = ParseDurationArgument("--ttl", flags.ttl);
    if (!ttl.ok()) return ttl.status();
    request.ttl = *ttl;
  }
  request.key = flags.key;
  request.kind = Kinds().ValueOf(flags.kind);
  request.request_id = flags.request_id;
  request.reason = flags.reason;
  return request;
}

absl::StatusOr<absl::Duration> WaitFrom(const PublishFlags& flags) {
  if (flags.wait_timeout.empty()) return kDefaultWait;
  if (flags.wait.empty()) return absl::InvalidArgumentError("--wait-timeout needs --wait");
  return ParseWaitArgument("--wait-timeout", flags.wait_timeout);
}

OrderedJson Document(const Message& message, const PublishResult& published) {
  return {{"message", ToJson(message)}, {"superseded_ids", published.superseded_ids}};
}

// Prints the published message; with --wait, the JSON document waits for the receipt.
void ShowPublished(const PublishResult& published, bool waits, Output& output) {
  if (output.json()) {
    if (!waits) output.Document(Document(published.message, published));
    return;
  }
  output.Line(absl::StrCat("published ", MessageLine(published.message)));
  if (!published.superseded_ids.empty()) {
    output.Line(absl::StrCat("superseded ", absl::StrJoin(published.superseded_ids, " ")));
  }
}

absl::StatusOr<ExitCode> WaitForReceipt(const PublishResult& published, AwaitUntil until, absl::Duration wait,
                                        Client& client, Output& output) {
  absl::StatusOr<Message> message = client.Await(published.message.id, wait, until);
  if (!message.ok()) {
    return absl::Status(message.status().code(),
                        absl::StrCat("message ", published.message.id,
                                     " was published, but waiting failed: ", message.status().message()));
  }
  if (output.json()) {
    output.Document(Document(*message, published));
  } else {
    output.Line(Receipt(*message));
  }
  const std::string hint = WaitHint(*message, until, wait);
  if (!hint.empty()) output.Note(hint);
  return WaitExitCode(*message, until);
}

constexpr char kFromDetails[] =
    "With --from a line looks like this, and all but key may be left out:\n"
    R"(  {"run": "r1", "key": "learning-rate", "value": 0.001, "kind": "SETTING", "request_id": "a-1"})"
    "\nEach line is stored or refused by itself; the number of one that is refused is on standard\n"
    "error, and the exit status is that of the first. What is stored is told on one line each, in\n"
    "order, with --json as one document each. Lines with a request_id may be sent again.";

absl::StatusOr<ExitCode> Publish(const PublishFlags& flags, Context& context) {
  absl::StatusOr<PublishRequest> request = MessageFrom(flags);
  if (!request.ok()) return request.status();
  if (!flags.from.empty()) {
    return PublishFrom(flags.from, {flags.run.Argument(), *std::move(request)}, context);
  }
  absl::StatusOr<RunRef> run = flags.run.Resolve();
  if (!run.ok()) return run.status();
  request->run = *std::move(run);
  absl::StatusOr<absl::Duration> wait = WaitFrom(flags);
  if (!wait.ok()) return wait.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();

  absl::StatusOr<PublishResult> published = (*client)->Publish(*std::move(request));
  if (!published.ok()) return published.status();
  const bool waits = !flags.wait.empty();
  ShowPublished(*published, waits, context.output());
  if (!waits) return ExitCode::kOk;
  return WaitForReceipt(*published, AwaitUntilOf(flags.wait), *wait, **client, context.output());
}

}  // namespace

void AddPublishCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<PublishFlags>();
  CLI::App* command =
      AddCommand(parent, "publish", "Publish a message to a run",
                 "signalbox publish --run 438 --project org/name --key learning-rate --value 0.001 --wait\n"
                 "  signalbox publish --from messages.jsonl --run 438 --project org/name",
                 kFromDetails);
  flags->run.AddTo(command);
  CLI::Option* key =
      command->add_option("--key", flags->key, "What the message is about, such as learning-rate; required");
  key->type_name("KEY");
  CLI::Option* value = command->add_option(
      "--value", flags->value,
      "The value, required: JSON when it is valid JSON, else a string. For a string that looks like "
      "JSON quote it: '\"42\"'. Integers beyond 2^53 must be sent as strings");
  value->type_name("VALUE");
  flags->value_option = value;
  AddChoice(command, "--kind", flags->kind, Kinds().words(),
            "Whether every message of the key counts, or only the newest; default: what the run declared, "
            "else command");
  command->add_option("--ttl", flags->ttl, "Expire the message when nobody took it in time, such as 30s")
      ->type_name("DURATION");
  command->add_option("--reason", flags->reason, "Why, for people who read the history")->type_name("TEXT");
  CLI::Option* request_id =
      command->add_option("--request-id", flags->request_id,
                          "Repeats with the same id and content publish only once; default: a fresh one");
  request_id->type_name("ID");
  CLI::Option* wait = command->add_flag("--wait{finished}", flags->wait,
                                        "Wait until the message is finished, or only =acked, and print the "
                                        "receipt; exit status 9 unless it was applied");
  LimitToChoices(wait, AwaitUntilWords());
  CLI::Option* wait_timeout =
      command->add_option("--wait-timeout", flags->wait_timeout, "How long to wait (default 1m)");
  wait_timeout->type_name("DURATION");
  CLI::Option* from = command->add_option(
      "--from", flags->from,
      "Publish many: one JSON object a line, of a file, or of standard input with -, with the fields run, "
      "project, key, value, kind, request_id, ttl and reason. The flags above say what a line leaves out");
  from->type_name("FILE");
  for (CLI::Option* single : {request_id, wait, wait_timeout}) from->excludes(single);
  command->parse_complete_callback([from, key, value] {
    for (const CLI::Option* option : {key, value}) {
      if (from->count() + option->count() == 0) throw CLI::RequiredError(option->get_name());
    }
  });
  OnSelected(command, flags, selected, Publish);
}

}  // namespace signalbox::cli
