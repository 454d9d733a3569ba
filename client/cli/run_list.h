#ifndef SIGNALBOX_CLI_RUN_LIST_H
#define SIGNALBOX_CLI_RUN_LIST_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `run list`: prints runs, newest first.
void AddRunListCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_RUN_LIST_H
