#ifndef SIGNALBOX_CLI_PUBLISH_H
#define SIGNALBOX_CLI_PUBLISH_H

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// `publish`: addresses a message to a run and, with --wait, prints what became of it.
void AddPublishCommand(CLI::App& parent, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_PUBLISH_H
