// Unary publishes, spread over many runs or to a hot one.

#include <cmath>

#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/publishing.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"

namespace signalbox::bench {
namespace {

struct PublishOptions {
  LoadOptions load;
  std::string prefix = "run";
  int runs = kRuns;
  int value_bytes = 100;
  bool hot = false;
  bool setting = false;
};

// A run takes at most 1,000 pending messages, so a hot run is followed by the next.
constexpr int kMessagesOfHotRun = 900;
constexpr double kMostPerSecond = 60'000;

// Which run gets the message with this number.
std::function<std::string(int64_t)> RunOf(const PublishOptions& options, const std::string& prefix) {
  if (options.setting) return [prefix](int64_t) { return RunName(prefix, 0); };
  if (options.hot) return [prefix](int64_t number) { return RunName(prefix, number / kMessagesOfHotRun); };
  return [prefix, runs = options.runs](int64_t number) { return RunName(prefix, Spread(number, runs)); };
}

int64_t RunsNeeded(const PublishOptions& options) {
  if (options.setting) return 1;
  if (!options.hot) return options.runs;
  const WindowOptions& window = options.load.window;
  return std::lround(std::ceil((window.warm_up + window.seconds) * kMostPerSecond / kMessagesOfHotRun));
}

Result MeasurePublish(const PublishOptions& options) {
  const std::string prefix = options.hot || options.setting ? NewPrefix("hot") : options.prefix;
  if (absl::Status status = EnsureRuns(options.load.address, prefix, RunsNeeded(options)); !status.ok()) {
    return status;
  }
  const auto stubs = Stubs<v1::MessageService>(options.load.address, options.load.connections);
  Counter counter;
  const NextPublish next = [&, run_of = RunOf(options, prefix)](v1::PublishRequest& request) {
    const int64_t number = counter.Next();
    FillPublish(run_of(number), number, options.value_bytes, request);
    if (options.setting) request.set_kind(v1::KIND_SETTING);
    return true;
  };
  return ClosedLoop(PublishSlots(stubs, options.load.in_flight, next)).Run(options.load.window);
}

}  // namespace

void AddPublish(CommandLine& line) {
  auto options = std::make_shared<PublishOptions>();
  CLI::App* command = AddCommand(line, "publish", "Durable unary publishes, each with a request id",
                                 [=] { return MeasurePublish(*options); });
  AddLoadFlags(command, options->load);
  command->add_option("--run-prefix", options->prefix, "Runs to publish to; made when they are not there");
  command->add_option("--runs", options->runs, "How many")->check(CLI::PositiveNumber);
  command->add_option("--value-bytes", options->value_bytes, "Size of a value");
  command->add_flag("--hot", options->hot, "All to one run, and after 900 messages to the next");
  command->add_flag("--setting", options->setting, "All to one run and key; each replaces the one before");
}

}  // namespace signalbox::bench
