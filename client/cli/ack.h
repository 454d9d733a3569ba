#ifndef SIGNALBOX_CLI_ACK_H
#define SIGNALBOX_CLI_ACK_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `ack`: claims messages, and tells how they went.
void AddAckCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_ACK_H
