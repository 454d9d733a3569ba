#include "cli/run_list.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/choices.h"
#include "cli/command.h"
#include "cli/label_argument.h"
#include "cli/run_flags.h"
#include "cli/run_text.h"

namespace signalbox::cli {
namespace {

struct RunListFlags {
  std::string project;
  std::string state;
  std::vector<std::string> labels;
  int limit = 100;
};

absl::StatusOr<ExitCode> RunList(const RunListFlags& flags, Context& context) {
  absl::StatusOr<std::map<std::string, std::string>> labels = ParseLabels(flags.labels);
  if (!labels.ok()) return labels.status();
  const ListRunsRequest request = {.project = ProjectOrEnvironment(flags.project),
                                   .state = RunStates().ValueOf(flags.state),
                                   .labels = *std::move(labels),
                                   .limit = flags.limit};
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<std::vector<Run>> runs = (*client)->ListRuns(request);
  if (!runs.ok()) return runs.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"runs", ToJson(*runs)}});
  } else if (runs->empty()) {
    output.Note("no runs");
  } else {
    output.Block(RunTable(*runs, output.style()));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddRunListCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<RunListFlags>();
  CLI::App* command = AddCommand(parent, "list", "Print runs, newest first",
                                 "signalbox run list --project org/name --state active");
  AddProject(command, flags->project);
  AddChoice(command, "--state", flags->state, RunStates().words(), "Only runs in this state");
  command->add_option("--label", flags->labels, "Only runs with this label; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--limit", flags->limit, "Most runs to print (default 100); 0 means all")
      ->type_name("COUNT")
      ->check(NotNegative());
  OnSelected(command, flags, selected, RunList);
}

}  // namespace signalbox::cli
