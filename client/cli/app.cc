#include "cli/app.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/ack.h"
#include "cli/await.h"
#include "cli/cancel.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/get.h"
#include "cli/get_all.h"
#include "cli/help_formatter.h"
#include "cli/history.h"
#include "cli/keys.h"
#include "cli/publish.h"
#include "cli/run_create.h"
#include "cli/run_end.h"
#include "cli/run_list.h"
#include "cli/run_show.h"
#include "cli/watch.h"

namespace signalbox::cli {
namespace {

void AddGlobalFlags(CLI::App& app, GlobalFlags& flags) {
  app.add_option("--address", flags.address,
                 "Server, host:port (default localhost:50051) [SIGNALBOX_ADDRESS]")
      ->type_name("ADDRESS");
  app.add_option("--token-file", flags.token_file,
                 "File with the access token [SIGNALBOX_TOKEN_FILE; the token itself: SIGNALBOX_TOKEN]")
      ->type_name("FILE");
  app.add_option("--ca-file", flags.ca_file, "PEM roots; turns TLS on [SIGNALBOX_CA_FILE]")
      ->type_name("FILE");
  app.add_option("--cert-file", flags.cert_file, "PEM certificate of this client [SIGNALBOX_CERT_FILE]")
      ->type_name("FILE");
  app.add_option("--key-file", flags.key_file, "PEM key of that certificate [SIGNALBOX_KEY_FILE]")
      ->type_name("FILE");
  app.add_option("--timeout", flags.timeout,
                 "Deadline of a call with its retries, such as 500ms (default 10s)")
      ->type_name("DURATION");
  app.add_flag("--json", flags.json, "Print JSON: one document a command, one a line with watch");
}

void AddCommands(CommandLine& line) {
  CLI::App& app = line.app;
  AddPublishCommand(app, line.selected);
  AddGetCommand(app, line.selected);
  AddGetAllCommand(app, line.selected);
  AddAckCommand(app, line.selected);
  AddWatchCommand(app, line.selected);
  AddAwaitCommand(app, line.selected);
  AddCancelCommand(app, line.selected);
  AddHistoryCommand(app, line.selected);
  CLI::App* run = app.add_subcommand("run", "Create, show, list and end runs");
  run->require_subcommand(1);
  run->footer("\nExample:\n  signalbox run create --project org/name");
  AddRunCreateCommand(*run, line.selected);
  AddRunShowCommand(*run, line.selected);
  AddRunListCommand(*run, line.selected);
  AddRunEndCommand(*run, line.selected);
  AddKeysCommand(app, line.selected);
  AddCompletionCommand(app, line.selected);
}

// Commands take the global flags too, but CLI11 lists them only in the help of the program.
void MentionGlobalFlags(CLI::App& app, const std::string& names) {
  for (CLI::App* command : app.get_subcommands({})) {
    command->footer(command->get_footer() +
                    "\n\nGlobal flags are accepted here too (see signalbox --help):\n  " + names);
    MentionGlobalFlags(*command, names);
  }
}

std::string FlagNames(const CLI::App& app) {
  std::string names;
  for (const CLI::Option* option : app.get_options()) {
    if (option == app.get_help_ptr() || option == app.get_version_ptr()) continue;
    absl::StrAppend(&names, names.empty() ? "--" : " --", option->get_lnames().front());
  }
  return names;
}

}  // namespace

std::unique_ptr<CommandLine> MakeCommandLine() {
  auto line = std::make_unique<CommandLine>();
  CLI::App& app = line->app;
  app.name("signalbox");
  app.description("Sends messages to running training jobs, and shows what became of them.");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", "signalbox " SIGNALBOX_VERSION, "Print the version");
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalFlags(app, line->flags);
  AddCommands(*line);
  MentionGlobalFlags(app, FlagNames(app));
  app.footer(
      "\nExample:\n  signalbox publish --run 438 --project org/name --key learning-rate --value 0.001 "
      "--wait\n"
      "\nA flag wins over its environment variable, in [brackets]; an empty variable counts as unset.\n"
      "\nExit status:\n" +
      ExitCodeHelp());
  return line;
}

}  // namespace signalbox::cli
