#include "cli/program.h"

#include <sys/types.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/app.h"
#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace signalbox::cli {
namespace {

// "signalbox run show": the command that was parsed, to point to its help.
std::string CommandName(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* command : app.get_subcommands()) absl::StrAppend(&name, " ", CommandName(*command));
  return name;
}

// Help and version are "errors" of the parser too, and go to standard output.
ExitCode ReportParseError(const CLI::App& app, const CLI::ParseError& error, Output& output) {
  if (error.get_exit_code() == 0) {
    app.exit(error, std::cout, std::cerr);
    return ExitCode::kOk;
  }
  const std::vector<std::string> unknown = app.remaining();
  const bool no_command = app.get_subcommands().empty() && !unknown.empty();
  const std::string what = no_command ? absl::StrCat("there is no command ", unknown.front()) : error.what();
  output.Note(absl::StrCat(what, "; see ", CommandName(app), " --help"));
  return ExitCode::kUsage;
}

ExitCode RunSelected(const CommandLine& line, Output& output) {
  Context context(line.flags, output);
  const absl::StatusOr<ExitCode> result = line.selected(context);
  if (result.ok()) return *result;
  output.Note(ErrorText(result.status()));
  return ExitCodeOf(result.status());
}

ExitCode ParseAndRun(int argc, char** argv) {
  const std::unique_ptr<CommandLine> line = MakeCommandLine();
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const absl::Time now = absl::Now();
  try {
    line->app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    Output output(std::cout, std::cerr, {.terminal = terminal, .json = false, .now = now});
    return ReportParseError(line->app, error, output);
  }
  Output output(std::cout, std::cerr, {.terminal = terminal, .json = line->flags.json, .now = now});
  return RunSelected(*line, output);
}

}  // namespace

int Main(int argc, char** argv) { return static_cast<int>(ParseAndRun(argc, argv)); }

}  // namespace signalbox::cli
