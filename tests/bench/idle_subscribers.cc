// What subscribers cost that hear nothing: memory and CPU of the server.

#include <memory>

#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/process.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/subscribers.h"

namespace signalbox::bench {
namespace {

struct IdleOptions {
  std::string address = "127.0.0.1:50051";
  std::string prefix = "run";
  int subscribers = 10'000;
  double seconds = 20;
  pid_t server_pid = 0;
};

Result MeasureIdle(const IdleOptions& options) {
  if (absl::Status status = EnsureRuns(options.address, options.prefix, options.subscribers); !status.ok()) {
    return status;
  }
  constexpr double kSettle = 2;
  Sleep(kSettle);
  const double memory_before = StatusNumber(options.server_pid, "VmRSS");
  Crowd crowd;
  absl::Status opened = crowd.Open(options.subscribers, SubscribeTo(options.address, [&options](int number) {
                                     return RunName(options.prefix, number);
                                   }));
  if (!opened.ok()) return opened;
  Sleep(kSettle);
  const double memory = StatusNumber(options.server_pid, "VmRSS");
  const double cpu = CpuSeconds(options.server_pid);
  const int64_t begin = Nanoseconds();
  Sleep(options.seconds);
  const double seconds = static_cast<double>(Nanoseconds() - begin) / 1e9;
  if (crowd.counts().ended > 0) return absl::UnavailableError("streams ended while they were held");
  return nlohmann::json{{"server_kb", memory},
                        {"kb_per_subscriber", (memory - memory_before) / options.subscribers},
                        {"core_percent", (CpuSeconds(options.server_pid) - cpu) / seconds * 100}};
}

}  // namespace

void AddIdleSubscribers(CommandLine& line) {
  auto options = std::make_shared<IdleOptions>();
  CLI::App* command =
      AddCommand(line, "idle-subscribers", "Memory and CPU of a server whose subscribers hear nothing",
                 [=] { return MeasureIdle(*options); });
  command->add_option("--address", options->address, "Server, HOST:PORT");
  command->add_option("--server-pid", options->server_pid, "Its process")->required();
  command->add_option("--run-prefix", options->prefix, "Runs, one for each; made when they are not there");
  command->add_option("--subscribers", options->subscribers, "Streams, each with a connection");
  command->add_option("--seconds", options->seconds, "How long they are held and the CPU is measured");
}

}  // namespace signalbox::bench
