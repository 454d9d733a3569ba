#include "cli/history.h"

#include <memory>
#include <string>
#include <vector>

#include "cli/choices.h"
#include "cli/command.h"
#include "cli/message_text.h"
#include "cli/run_flags.h"

namespace signalbox::cli {
namespace {

struct HistoryFlags {
  RunFlags run;
  std::vector<std::string> keys;
  std::vector<std::string> states;
  int limit = 100;
};

absl::StatusOr<ExitCode> History(const HistoryFlags& flags, Context& context) {
  absl::StatusOr<RunRef> run = flags.run.Resolve();
  if (!run.ok()) return run.status();
  ListMessagesRequest request = {.run = *run, .keys = flags.keys, .states = {}, .limit = flags.limit};
  for (const std::string& state : flags.states) request.states.push_back(MessageStates().ValueOf(state));
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<std::vector<Message>> messages = (*client)->ListMessages(request);
  if (!messages.ok()) return messages.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"messages", ToJson(*messages)}});
  } else if (messages->empty()) {
    output.Note("no messages");
  } else {
    output.Block(HistoryTable(*messages, output.style()));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddHistoryCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<HistoryFlags>();
  CLI::App* command =
      AddCommand(parent, "history", "Print the messages of a run and what became of them, newest first",
                 "signalbox history --run my-run --state applied,failed --limit 20");
  flags->run.AddTo(command);
  command->add_option("--key", flags->keys, "Only messages of this key; may be repeated")
      ->type_name("KEY")
      ->allow_extra_args(false);
  AddChoices(command, "--state", flags->states, MessageStates().words(),
             "Only messages in this state; may be repeated or a list");
  command->add_option("--limit", flags->limit, "Most messages to print (default 100); 0 means all")
      ->type_name("COUNT")
      ->check(NotNegative());
  OnSelected(command, flags, selected, History);
}

}  // namespace signalbox::cli
