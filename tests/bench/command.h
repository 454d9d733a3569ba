#ifndef SIGNALBOX_TESTS_BENCH_COMMAND_H
#define SIGNALBOX_TESTS_BENCH_COMMAND_H

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace signalbox::bench {

/// What was measured, as one JSON object: rates a second, latencies in microseconds, memory in kB.
using Result = absl::StatusOr<nlohmann::json>;

/// The program's command line and what was chosen on it.
struct CommandLine {
  CLI::App app;
  CLI::App* command = nullptr;
  std::function<Result()> measure;
};

/// Adds a subcommand that runs `measure` when it is chosen.
CLI::App* AddCommand(CommandLine& line, const std::string& name, const std::string& summary,
                     std::function<Result()> measure);

/// Adds subcommands that only say which library of which package the program was built without.
void AddMissing(CommandLine& line, std::initializer_list<const char*> names, const std::string& package);

// One for each file of measurements.
void AddEcho(CommandLine& line);
void AddPublish(CommandLine& line);
void AddPublishMany(CommandLine& line);
void AddAck(CommandLine& line);
void AddPrepareRuns(CommandLine& line);
void AddReads(CommandLine& line);
void AddSubscribe(CommandLine& line);
void AddDeliver(CommandLine& line);
void AddFanOut(CommandLine& line);
void AddIdleSubscribers(CommandLine& line);
void AddReconnect(CommandLine& line);
void AddInboxGet(CommandLine& line);
void AddClientIdle(CommandLine& line);
void AddEchoServer(CommandLine& line);
void AddEtcd(CommandLine& line);
void AddNats(CommandLine& line);
void AddRedis(CommandLine& line);
void AddPostgres(CommandLine& line);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_COMMAND_H
