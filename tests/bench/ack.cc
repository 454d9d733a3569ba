// Acks of messages that were published just before, one or many in a call.

#include <algorithm>

#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/publishing.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {
namespace {

struct AckOptions {
  LoadOptions load;
  int runs = kRuns;
  int64_t messages = 60'000;
  int ids = 1;
};

Result MeasureAck(const AckOptions& options) {
  const std::string prefix = "run";
  if (absl::Status status = EnsureRuns(options.load.address, prefix, options.runs); !status.ok())
    return status;
  const auto run_of = [&](int64_t number) { return RunName(prefix, Spread(number, options.runs)); };
  const absl::StatusOr<std::vector<std::string>> ids =
      PublishAll(options.load.address, options.messages, run_of);
  if (!ids.ok()) return ids.status();

  const auto stubs = Stubs<v1::MessageService>(options.load.address, options.load.connections);
  Counter counter;
  const auto prepare = [&](v1::AckRequest& request) {
    const int64_t begin = counter.Next() * options.ids;
    const int64_t end = begin + options.ids;
    if (end > options.messages) return false;
    request.set_consumer("bench");
    request.set_outcome(v1::ACK_OUTCOME_APPLIED);
    request.clear_message_ids();
    for (int64_t i = begin; i < end; ++i) *request.add_message_ids() = (*ids)[static_cast<std::size_t>(i)];
    return true;
  };
  const auto examine = [](const v1::AckResponse& response) {
    const bool all =
        std::ranges::all_of(response.results(), [](const auto& result) { return result.claimed(); });
    return all ? absl::OkStatus() : absl::InternalError("a message was claimed by somebody else");
  };
  const auto hooks = [&](int slot) -> UnarySlot<v1::AckRequest, v1::AckResponse>::Hooks {
    return {.call = [stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { stub->async()->Ack(context, request, response, std::move(done)); },
            .prepare = prepare,
            .examine = examine};
  };
  return ClosedLoop(UnarySlots<v1::AckRequest, v1::AckResponse>(options.load.in_flight, hooks))
      .Run(options.load.window, options.ids);
}

}  // namespace

void AddAck(CommandLine& line) {
  auto options = std::make_shared<AckOptions>();
  options->load.window.warm_up = 0.5;
  CLI::App* command = AddCommand(line, "ack", "Acks with an outcome; the rate is that of messages",
                                 [=] { return MeasureAck(*options); });
  AddLoadFlags(command, options->load);
  command->add_option("--runs", options->runs, "Runs whose messages are acked")->check(CLI::PositiveNumber);
  command->add_option("--messages", options->messages, "Most messages to ack; published before");
  command->add_option("--ids", options->ids, "Messages a call")->check(CLI::Range(1, 1000));
}

}  // namespace signalbox::bench
