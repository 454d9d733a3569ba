#ifndef SIGNALBOX_CLI_RUN_CREATE_H
#define SIGNALBOX_CLI_RUN_CREATE_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `run create`: creates a run.
void AddRunCreateCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_RUN_CREATE_H
