#ifndef SIGNALBOX_CLI_KEYS_H
#define SIGNALBOX_CLI_KEYS_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `keys`: prints what a run listens to.
void AddKeysCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_KEYS_H
