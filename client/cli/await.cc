#include "cli/await.h"

#include <memory>
#include <string>

#include "cli/choices.h"
#include "cli/command.h"
#include "cli/duration_argument.h"
#include "cli/message_text.h"
#include "cli/wait.h"

namespace signalbox::cli {
namespace {

struct AwaitFlags {
  std::string id;
  std::string until = "finished";
  std::string timeout;
};

absl::StatusOr<absl::Duration> WaitFrom(const AwaitFlags& flags) {
  if (flags.timeout.empty()) return kDefaultWait;
  return ParseWaitArgument("--timeout", flags.timeout);
}

absl::StatusOr<ExitCode> Await(const AwaitFlags& flags, Context& context) {
  absl::StatusOr<absl::Duration> wait = WaitFrom(flags);
  if (!wait.ok()) return wait.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  const AwaitUntil until = AwaitUntilOf(flags.until);
  absl::StatusOr<Message> message = (*client)->Await(flags.id, *wait, until);
  if (!message.ok()) return message.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"message", ToJson(*message)}});
  } else {
    output.Line(Receipt(*message));
  }
  const std::string hint = WaitHint(*message, until, *wait);
  if (!hint.empty()) output.Note(hint);
  return WaitExitCode(*message, until);
}

}  // namespace

void AddAwaitCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<AwaitFlags>();
  CLI::App* command =
      AddCommand(parent, "await", "Wait for a message and print its receipt",
                 "signalbox await ID --until acked --timeout 5m",
                 "Exit status 9 when it ended otherwise than applied, 10 when the wait was over before.");
  command->add_option("id", flags->id, "Id of the message")->required()->type_name("ID");
  AddChoice(command, "--until", flags->until, AwaitUntilWords(),
            "What to wait for: a final state (the default), or that somebody took it");
  command->add_option("--timeout", flags->timeout, "How long to wait (default 1m)")->type_name("DURATION");
  OnSelected(command, flags, selected, Await);
}

}  // namespace signalbox::cli
