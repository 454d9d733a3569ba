#ifndef SIGNALBOX_CLI_GET_ALL_H
#define SIGNALBOX_CLI_GET_ALL_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `get-all`: prints what is pending.
void AddGetAllCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_GET_ALL_H
