#ifndef SIGNALBOX_CLI_HISTORY_H
#define SIGNALBOX_CLI_HISTORY_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `history`: prints all messages of a run and what became of them.
void AddHistoryCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_HISTORY_H
