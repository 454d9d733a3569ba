#ifndef SIGNALBOX_CLI_COMMAND_H
#define SIGNALBOX_CLI_COMMAND_H

#include <memory>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "cli/context.h"

namespace signalbox::cli {

/// Adds a subcommand with one line about it, an example, and details, if any, which are shown below
/// the flags.
///
/// Each command has one function `Add…Command(parent, selected)`, which registers the command and its
/// flags on `parent` and, when the command line names it, stores what it does in `selected`. Both
/// must outlive the parsing.
CLI::App* AddCommand(CLI::App& parent, const std::string& name, const std::string& summary,
                     const std::string& example, const std::string& details = "");

/// A check for counts and the like.
CLI::Validator NotNegative();

/// Lets the parser store `run` with its flags in `selected` when it meets `command`.
template <typename Flags>
void OnSelected(CLI::App* command, std::shared_ptr<Flags> flags, Action& selected,
                absl::StatusOr<ExitCode> (*run)(const Flags&, Context&)) {
  command->callback([flags = std::move(flags), &selected, run] {
    selected = [flags, run](Context& context) { return run(*flags, context); };
  });
}

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_COMMAND_H
