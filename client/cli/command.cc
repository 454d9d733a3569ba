#include "cli/command.h"

namespace signalbox::cli {

CLI::App* AddCommand(CLI::App& parent, const std::string& name, const std::string& summary,
                     const std::string& example, const std::string& details) {
  CLI::App* command = parent.add_subcommand(name, summary);
  command->footer("\n" + details + (details.empty() ? "" : "\n\n") + "Example:\n  " + example);
  return command;
}

CLI::Validator NotNegative() {
  return {[](std::string& number) -> std::string {
            return number.starts_with('-') ? "must not be negative, but is " + number : "";
          },
          ""};
}

}  // namespace signalbox::cli
