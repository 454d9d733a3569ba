// What a job pays for an inbox that hears nothing, beside what gRPC takes for a bare stream.

#include <unistd.h>

#include <memory>

#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/job.h"
#include "tests/bench/process.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/subscribers.h"

namespace signalbox::bench {
namespace {

struct ClientIdleOptions {
  std::string address = "127.0.0.1:50051";
  std::string run;
  double seconds = 20;
  bool bare = false;
};

// This process, which does nothing but hold a stream.
nlohmann::json Watch(double seconds) {
  constexpr double kSettle = 2;
  Sleep(kSettle);
  const double cpu = OwnCpuSeconds();
  const int64_t begin = Nanoseconds();
  Sleep(seconds);
  const double passed = static_cast<double>(Nanoseconds() - begin) / 1e9;
  return {{"core_percent", (OwnCpuSeconds() - cpu) / passed * 100},
          {"memory_kb", StatusNumber(getpid(), "VmRSS")},
          {"threads", StatusNumber(getpid(), "Threads")}};
}

Result MeasureBareStream(const ClientIdleOptions& options) {
  Crowd crowd;
  absl::Status opened = crowd.Open(1, SubscribeTo(options.address, [run = options.run](int) { return run; }));
  if (!opened.ok()) return opened;
  return Watch(options.seconds);
}

Result MeasureInbox(const ClientIdleOptions& options) {
  const absl::StatusOr<Job> job = OpenSyncedJob(options.address, options.run);
  if (!job.ok()) return job.status();
  nlohmann::json result = Watch(options.seconds);
  if (!IsStreaming(*job)) return absl::UnavailableError("it does not stream");

  return result;
}

}  // namespace

void AddClientIdle(CommandLine& line) {
  auto options = std::make_shared<ClientIdleOptions>();
  CLI::App* command =
      AddCommand(line, "client-idle", "CPU, memory and threads of this process with one idle inbox",
                 [=] { return options->bare ? MeasureBareStream(*options) : MeasureInbox(*options); });
  command->add_option("--address", options->address, "Server, HOST:PORT");
  command->add_option("--run", options->run, "A run where nothing happens")->required();
  command->add_option("--seconds", options->seconds, "Seconds that are measured");
  command->add_flag("--bare", options->bare, "A bare stream of gRPC instead, without the library");
}

}  // namespace signalbox::bench
