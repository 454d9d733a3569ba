#include "cli/keys.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/run_flags.h"
#include "cli/run_text.h"

namespace signalbox::cli {
namespace {

struct KeysFlags {
  RunFlags run;
};

absl::StatusOr<ExitCode> Keys(const KeysFlags& flags, Context& context) {
  absl::StatusOr<RunRef> ref = flags.run.Resolve();
  if (!ref.ok()) return ref.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<Run> run = (*client)->GetRun(*ref);
  if (!run.ok()) return run.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"keys", ToJson(run->keys)}});
  } else if (run->keys.empty()) {
    output.Note(absl::StrCat("run ", run->id, " has not declared any key"));
  } else {
    output.Block(KeyTable(run->keys));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddKeysCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<KeysFlags>();
  CLI::App* command = AddCommand(parent, "keys", "Print the keys that a run listens to, as it declared them",
                                 "signalbox keys --run my-run");
  flags->run.AddTo(command);
  OnSelected(command, flags, selected, Keys);
}

}  // namespace signalbox::cli
