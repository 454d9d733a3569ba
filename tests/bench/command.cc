#include "tests/bench/command.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace signalbox::bench {

CLI::App* AddCommand(CommandLine& line, const std::string& name, const std::string& summary,
                     std::function<Result()> measure) {
  CLI::App* command = line.app.add_subcommand(name, summary);
  command->option_defaults()->always_capture_default();
  command->callback([&line, command, measure = std::move(measure)] {
    line.command = command;
    line.measure = measure;
  });
  return command;
}

void AddMissing(CommandLine& line, std::initializer_list<const char*> names, const std::string& package) {
  const absl::Status missing =
      absl::UnimplementedError(absl::StrCat("built without ", package, "; install it, and configure anew"));
  for (const char* name : names) {
    AddCommand(line, name, absl::StrCat("Not there: built without ", package), [missing] {
      return missing;
    })->allow_extras();
  }
}

}  // namespace signalbox::bench
