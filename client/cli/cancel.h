#ifndef SIGNALBOX_CLI_CANCEL_H
#define SIGNALBOX_CLI_CANCEL_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `cancel`: withdraws a pending message.
void AddCancelCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_CANCEL_H
