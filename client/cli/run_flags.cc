#include "cli/run_flags.h"

#include <cstdlib>

namespace signalbox::cli {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void AddRunAs(const std::string& name, CLI::App* command, RunFlags& flags) {
  command->add_option(name, flags.run, "Id of the run, or its rank in --project [SIGNALBOX_RUN]")
      ->type_name("RUN");
  command->add_option("--project", flags.project, "Project of a run given by rank [SIGNALBOX_PROJECT]")
      ->type_name("PROJECT");
}

}  // namespace

void RunFlags::AddTo(CLI::App* command) { AddRunAs("--run", command, *this); }

void RunFlags::AddPositionalTo(CLI::App* command) { AddRunAs("run,--run", command, *this); }

RunArgument RunFlags::Argument() const {
  return {.run = run,
          .project = project,
          .environment_run = Environment("SIGNALBOX_RUN"),
          .environment_project = Environment("SIGNALBOX_PROJECT")};
}

absl::StatusOr<RunRef> RunFlags::Resolve() const { return ResolveRun(Argument()); }

CLI::Option* AddProject(CLI::App* command, std::string& project) {
  return command->add_option("--project", project, "Project, name or org/name [SIGNALBOX_PROJECT]")
      ->type_name("PROJECT");
}

std::string ProjectOrEnvironment(const std::string& project) {
  return project.empty() ? Environment("SIGNALBOX_PROJECT") : project;
}

}  // namespace signalbox::cli
