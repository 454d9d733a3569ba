#include "cli/run_show.h"

#include <memory>

#include "cli/command.h"
#include "cli/run_flags.h"
#include "cli/run_text.h"

namespace signalbox::cli {
namespace {

struct RunShowFlags {
  RunFlags run;
};

absl::StatusOr<ExitCode> RunShow(const RunShowFlags& flags, Context& context) {
  absl::StatusOr<RunRef> ref = flags.run.Resolve();
  if (!ref.ok()) return ref.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<Run> run = (*client)->GetRun(*ref);
  if (!run.ok()) return run.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"run", ToJson(*run)}});
  } else {
    output.Block(RunDetails(*run, output.style()));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddRunShowCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<RunShowFlags>();
  CLI::App* command =
      AddCommand(parent, "show", "Print one run", "signalbox run show 438 --project org/name");
  flags->run.AddPositionalTo(command);
  OnSelected(command, flags, selected, RunShow);
}

}  // namespace signalbox::cli
