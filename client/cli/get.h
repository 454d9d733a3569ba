#ifndef SIGNALBOX_CLI_GET_H
#define SIGNALBOX_CLI_GET_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `get`: prints the oldest pending message of a key.
void AddGetCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_GET_H
