#ifndef SIGNALBOX_CLI_COMPLETION_H
#define SIGNALBOX_CLI_COMPLETION_H

#include <string>

#include "CLI/CLI.hpp"
#include "cli/context.h"

namespace signalbox::cli {

/// A script that completes the commands, the flags and the words that flags take. It is made from
/// `app` itself, so it knows whatever `app` accepts: flag types such as "command|setting" are words
/// to complete, the type "FILE" stands for file names.
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);

/// `completion`: prints one of them. `app` is the program.
void AddCompletionCommand(CLI::App& app, Action& selected);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_COMPLETION_H
