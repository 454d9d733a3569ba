// Unary calls of gRPC with nothing behind them.

#include "echo.grpc.pb.h"
#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {
namespace {

Result MeasureEcho(const LoadOptions& options) {
  const auto stubs = Stubs<Echo>(options.address, options.connections);
  Counter counter;
  const auto prepare = [&counter](Note& note) {
    const int64_t number = counter.Next();
    note.set_run_id(RunName("run", Spread(number, kRuns)));
    note.set_key(kKey);
    note.set_value(SampleValue(number));
    return true;
  };
  const auto hooks = [&](int slot) -> UnarySlot<Note, Note>::Hooks {
    return {.call = [stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { stub->async()->Unary(context, request, response, std::move(done)); },
            .prepare = prepare,
            .examine = {}};
  };
  return ClosedLoop(UnarySlots<Note, Note>(options.in_flight, hooks)).Run(options.window);
}

}  // namespace

void AddEcho(CommandLine& line) {
  auto options = std::make_shared<LoadOptions>();
  options->address = "127.0.0.1:50052";
  AddLoadFlags(
      AddCommand(line, "echo", "Unary calls to the echo server", [=] { return MeasureEcho(*options); }),
      *options);
}

}  // namespace signalbox::bench
