#ifndef SIGNALBOX_CLI_APP_H
#define SIGNALBOX_CLI_APP_H

#include <memory>

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// The whole command line: every command and flag. Parsing `app` fills `flags` and `selected`, or
/// throws CLI::ParseError, as CLI11 does.
struct CommandLine {
  CLI::App app;
  GlobalFlags flags;
  Action selected;
};

/// On the heap, because the parser points into it.
std::unique_ptr<CommandLine> MakeCommandLine();

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_APP_H
