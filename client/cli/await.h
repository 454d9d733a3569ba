#ifndef SIGNALBOX_CLI_AWAIT_H
#define SIGNALBOX_CLI_AWAIT_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `await`: waits for a message to be claimed or finished.
void AddAwaitCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_AWAIT_H
