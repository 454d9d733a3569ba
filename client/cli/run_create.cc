#include "cli/run_create.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/label_argument.h"
#include "cli/run_flags.h"
#include "cli/run_text.h"

namespace signalbox::cli {
namespace {

struct RunCreateFlags {
  std::string project;
  std::string id;
  std::string title;
  std::vector<std::string> labels;
};

absl::StatusOr<ExitCode> RunCreate(const RunCreateFlags& flags, Context& context) {
  CreateRunRequest request;
  request.project = ProjectOrEnvironment(flags.project);
  if (request.project.empty()) {
    return absl::InvalidArgumentError("no project given; use --project, or set SIGNALBOX_PROJECT");
  }
  absl::StatusOr<std::map<std::string, std::string>> labels = ParseLabels(flags.labels);
  if (!labels.ok()) return labels.status();
  request.run_id = flags.id;
  request.title = flags.title;
  request.labels = *std::move(labels);
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<Run> run = (*client)->CreateRun(request);
  if (!run.ok()) return run.status();

  Output& output = context.output();
  if (output.json()) {
    output.Document({{"run", ToJson(*run)}});
  } else {
    output.Line(absl::StrCat("created ", run->id, "  ", RankName(*run)));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddRunCreateCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<RunCreateFlags>();
  CLI::App* command =
      AddCommand(parent, "create", "Create a run; the project comes into being with its first one",
                 "signalbox run create --project org/name --title 'first try' --label team=vision");
  AddProject(command, flags->project);
  command->add_option("--id,--run-id", flags->id, "Id of the run; default: the server makes one")
      ->type_name("ID");
  command->add_option("--title", flags->title, "Title, for people")->type_name("TEXT");
  command->add_option("--label", flags->labels, "A label; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  OnSelected(command, flags, selected, RunCreate);
}

}  // namespace signalbox::cli
