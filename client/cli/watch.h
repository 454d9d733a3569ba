#ifndef SIGNALBOX_CLI_WATCH_H
#define SIGNALBOX_CLI_WATCH_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `watch`: prints the events of a run as they come, until the run ends.
void AddWatchCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_WATCH_H
