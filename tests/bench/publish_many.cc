// Publishes, many in a call.

#include <algorithm>

#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/publishing.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {
namespace {

struct PublishManyOptions {
  LoadOptions load;
  std::string prefix = "run";
  int runs = kRuns;
  int value_bytes = 100;
  int batch = 100;
};

Result MeasurePublishMany(const PublishManyOptions& options) {
  if (absl::Status status = EnsureRuns(options.load.address, options.prefix, options.runs); !status.ok())
    return status;
  const auto stubs = Stubs<v1::MessageService>(options.load.address, options.load.connections);
  Counter counter;
  const auto prepare = [&](v1::PublishManyRequest& request) {
    const int64_t begin = counter.Next() * options.batch;
    request.clear_requests();
    for (int64_t number = begin; number < begin + options.batch; ++number) {
      FillPublish(RunName(options.prefix, Spread(number, options.runs)), number, options.value_bytes,
                  *request.add_requests());
    }
    return true;
  };
  const auto examine = [](const v1::PublishManyResponse& response) {
    const bool all =
        std::ranges::all_of(response.results(), [](const auto& result) { return result.has_response(); });
    return all ? absl::OkStatus() : absl::InternalError("a publish was refused");
  };
  const auto hooks = [&](int slot) -> UnarySlot<v1::PublishManyRequest, v1::PublishManyResponse>::Hooks {
    return {.call =
                [stub = StubOf(stubs, slot)](auto* context, auto* request, auto* response, auto done) {
                  stub->async()->PublishMany(context, request, response, std::move(done));
                },
            .prepare = prepare,
            .examine = examine};
  };
  return ClosedLoop(
             UnarySlots<v1::PublishManyRequest, v1::PublishManyResponse>(options.load.in_flight, hooks))
      .Run(options.load.window, options.batch);
}

}  // namespace

void AddPublishMany(CommandLine& line) {
  auto options = std::make_shared<PublishManyOptions>();
  options->load.in_flight = 2;
  CLI::App* command =
      AddCommand(line, "publish-many", "Durable publishes, many in a call; the rate is that of messages",
                 [=] { return MeasurePublishMany(*options); });
  AddLoadFlags(command, options->load);
  command->add_option("--run-prefix", options->prefix, "Runs to publish to; made when they are not there");
  command->add_option("--runs", options->runs, "How many")->check(CLI::PositiveNumber);
  command->add_option("--value-bytes", options->value_bytes, "Size of a value");
  command->add_option("--batch", options->batch, "Publishes a call")->check(CLI::Range(1, 1000));
}

}  // namespace signalbox::bench
