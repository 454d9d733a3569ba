#ifndef SIGNALBOX_CLI_RUN_ARGUMENT_H
#define SIGNALBOX_CLI_RUN_ARGUMENT_H

#include <string>

#include "absl/status/statusor.h"
#include "signalbox/run.h"

namespace signalbox::cli {

/// What the command line and the environment say about the run; empty means not given.
struct RunArgument {
  std::string run = {};                  ///< --run: an id, or a rank when it consists of digits
  std::string project = {};              ///< --project: goes with a rank
  std::string environment_run = {};      ///< SIGNALBOX_RUN, used without --run
  std::string environment_project = {};  ///< SIGNALBOX_PROJECT, used without --project
};

/// The run that is meant. Flags win over the environment. A rank needs a project; SIGNALBOX_PROJECT
/// beside an id is ignored, --project beside an id is refused. kInvalidArgument says what is missing.
absl::StatusOr<RunRef> ResolveRun(const RunArgument& argument);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_RUN_ARGUMENT_H
