#ifndef SIGNALBOX_CLI_RUN_FLAGS_H
#define SIGNALBOX_CLI_RUN_FLAGS_H

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "cli/run_argument.h"
#include "signalbox/run.h"

namespace signalbox::cli {

/// --run and --project, with SIGNALBOX_RUN and SIGNALBOX_PROJECT behind them. Must outlive the
/// parsing.
struct RunFlags {
  std::string run;
  std::string project;

  void AddTo(CLI::App* command);

  /// The same, but the run may also stand without --run: `run show r1`.
  void AddPositionalTo(CLI::App* command);

  /// What the flags and the environment say.
  RunArgument Argument() const;

  /// kInvalidArgument says what is missing; see ResolveRun().
  absl::StatusOr<RunRef> Resolve() const;
};

/// --project, where it stands alone and not beside --run.
CLI::Option* AddProject(CLI::App* command, std::string& project);

/// `project`, or SIGNALBOX_PROJECT when it is empty.
std::string ProjectOrEnvironment(const std::string& project);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_RUN_FLAGS_H
