// What subscribers cost that hear nothing but heartbeats: memory and CPU of the server.

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

Result MeasureIdle(const IdleOptions& options, const MakeSubscriber& make) {
  constexpr double kSettle = 2;
  Sleep(kSettle);
  const double memory_before = StatusNumber(options.server_pid, "VmRSS");
  Crowd crowd;
  if (absl::Status opened = crowd.Open(options.subscribers, make); !opened.ok()) return opened;
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

Result MeasureSignalbox(const IdleOptions& options) {
  if (absl::Status status = EnsureRuns(options.address, options.prefix, options.subscribers); !status.ok()) {
    return status;
  }
  return MeasureIdle(options, SubscribeTo(options.address, [&options](int number) {
                       return RunName(options.prefix, number);
                     }));
}

Result MeasureRawStreams(const IdleOptions& options) {
  return MeasureIdle(options, ListenTo(options.address));
}

CLI::App* AddIdleCommand(CommandLine& line, const std::string& name, const std::string& summary,
                         Result (*measure)(const IdleOptions&), const std::shared_ptr<IdleOptions>& options) {
  CLI::App* command = AddCommand(line, name, summary, [=] { return measure(*options); });
  command->add_option("--address", options->address, "Server, HOST:PORT");
  command->add_option("--server-pid", options->server_pid, "Its process")->required();
  command->add_option("--subscribers", options->subscribers, "Streams, each with a connection");
  command->add_option("--seconds", options->seconds, "How long they are held and the CPU is measured");
  return command;
}

}  // namespace

void AddIdleSubscribers(CommandLine& line) {
  auto options = std::make_shared<IdleOptions>();
  AddIdleCommand(line, "idle-subscribers", "Memory and CPU of a server whose subscribers hear nothing",
                 MeasureSignalbox, options)
      ->add_option("--run-prefix", options->prefix, "Runs, one for each; made when they are not there");
  auto echo = std::make_shared<IdleOptions>();
  echo->address = "127.0.0.1:50052";
  AddIdleCommand(line, "echo-idle-subscribers", "The same with bare streams of the echo server",
                 MeasureRawStreams, echo);
}

}  // namespace signalbox::bench
