#include "cli/get_all.h"

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/message_text.h"
#include "cli/run_flags.h"

namespace signalbox::cli {
namespace {

struct GetAllFlags {
  RunFlags run;
  std::vector<std::string> keys;
};

absl::StatusOr<ExitCode> GetAll(const GetAllFlags& flags, Context& context) {
  absl::StatusOr<RunRef> run = flags.run.Resolve();
  if (!run.ok()) return run.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<std::vector<Message>> messages = (*client)->GetAll(*run, flags.keys);
  if (!messages.ok()) return messages.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"messages", ToJson(*messages)}});
  } else if (messages->empty()) {
    output.Note("nothing is pending");
  } else {
    output.Block(PendingTable(*messages, output.style()));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddGetAllCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<GetAllFlags>();
  CLI::App* command = AddCommand(parent, "get-all", "Print all pending messages of a run, oldest first",
                                 "signalbox get-all --run my-run");
  flags->run.AddTo(command);
  command->add_option("--key", flags->keys, "Only messages of this key; may be repeated")
      ->type_name("KEY")
      ->allow_extra_args(false);
  OnSelected(command, flags, selected, GetAll);
}

}  // namespace signalbox::cli
