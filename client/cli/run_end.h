#ifndef SIGNALBOX_CLI_RUN_END_H
#define SIGNALBOX_CLI_RUN_END_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `run end`: ends a run for good.
void AddRunEndCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_RUN_END_H
