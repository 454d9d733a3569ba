// signalbox_bench: measures one thing against a server that runs, and prints it as one line of JSON.

#include <cstdio>
#include <iostream>

#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/command.h"

namespace signalbox::bench {
namespace {

enum ExitCode { kSuccess = 0, kFailure = 1, kMissing = 3 };

nlohmann::json Settings(const CLI::App& command) {
  nlohmann::json settings = nlohmann::json::object();
  for (const CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr()) continue;
    settings[option->get_name()] =
        option->count() > 0 ? absl::StrJoin(option->results(), ",") : option->get_default_str();
  }
  return settings;
}

void AddCommands(CommandLine& line) {
  AddEchoServer(line);
  AddEcho(line);
  AddPublish(line);
  AddPublishMany(line);
  AddAck(line);
  AddPrepareRuns(line);
  AddReads(line);
  AddSubscribe(line);
  AddDeliver(line);
  AddFanOut(line);
  AddIdleSubscribers(line);
  AddReconnect(line);
  AddInboxGet(line);
  AddClientIdle(line);
  AddEtcd(line);
  AddNats(line);
  AddRedis(line);
  AddPostgres(line);
}

int Main(int argc, char** argv) {
  CommandLine line;
  line.app.description("Measures one thing against a server that runs, and prints it as one line of JSON.");
  line.app.require_subcommand(1);
  AddCommands(line);
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return line.app.exit(error);
  }
  const Result result = line.measure();
  if (!result.ok()) {
    std::cerr << "signalbox_bench " << line.command->get_name() << ": " << result.status() << "\n";
    return absl::IsUnimplemented(result.status()) ? kMissing : kFailure;
  }
  nlohmann::json printed = {{"measure", line.command->get_name()}, {"settings", Settings(*line.command)}};
  printed.update(*result);
  std::cout << printed.dump() << "\n";
  return kSuccess;
}

}  // namespace
}  // namespace signalbox::bench

int main(int argc, char** argv) {
  // Debian builds absl for debugging. A job has a handful of mutexes, which is nothing to speak of; the
  // thousands of jobs that this process stands for would spend their time in the search for cycles.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return signalbox::bench::Main(argc, argv);
}
