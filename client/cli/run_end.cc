#include "cli/run_end.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "cli/choices.h"
#include "cli/command.h"
#include "cli/run_flags.h"
#include "cli/run_text.h"

namespace signalbox::cli {
namespace {

struct RunEndFlags {
  RunFlags run;
  std::string outcome;
};

absl::StatusOr<ExitCode> RunEnd(const RunEndFlags& flags, Context& context) {
  absl::StatusOr<RunRef> ref = flags.run.Resolve();
  if (!ref.ok()) return ref.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<Run> run = (*client)->EndRun(*ref, RunOutcomes().ValueOf(flags.outcome));
  if (!run.ok()) return run.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"run", ToJson(*run)}});
  } else {
    output.Line(
        absl::StrCat("ended ", run->id, "  ", RankName(*run), "  ", std::string(ToString(run->outcome))));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddRunEndCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<RunEndFlags>();
  CLI::App* command = AddCommand(
      parent, "end", "End a run for good", "signalbox run end my-run --outcome completed",
      "What is pending becomes UNDELIVERED. Ending a run again is no error: the first outcome stays,\n"
      "and is printed.");
  flags->run.AddPositionalTo(command);
  AddChoice(command, "--outcome", flags->outcome, RunOutcomes().words(), "How it ended")->required();
  OnSelected(command, flags, selected, RunEnd);
}

}  // namespace signalbox::cli
