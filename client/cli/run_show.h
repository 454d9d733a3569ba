#ifndef SIGNALBOX_CLI_RUN_SHOW_H
#define SIGNALBOX_CLI_RUN_SHOW_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `run show`: prints one run.
void AddRunShowCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_RUN_SHOW_H
