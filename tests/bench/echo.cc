// Unary calls to the echo server: of gRPC with nothing behind them, or with the least statement.

#include "echo.grpc.pb.h"
#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {
namespace {

struct EchoOptions {
  LoadOptions load;
  bool hot = false;
  int batch = 100;
};

void Fill(int64_t number, bool hot, Note& note) {
  note.set_run_id(RunName("run", Spread(number, hot ? 1 : kRuns)));
  note.set_key(kKey);
  note.set_value(SampleValue(number));
}

Result MeasureEcho(const EchoOptions& options) {
  const auto stubs = Stubs<Echo>(options.load.address, options.load.connections);
  Counter counter;
  const auto prepare = [&](Note& note) {
    Fill(counter.Next(), options.hot, note);
    return true;
  };
  const auto hooks = [&](int slot) -> UnarySlot<Note, Note>::Hooks {
    return {.call = [stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { stub->async()->Unary(context, request, response, std::move(done)); },
            .prepare = prepare,
            .examine = {}};
  };
  return ClosedLoop(UnarySlots<Note, Note>(options.load.in_flight, hooks)).Run(options.load.window);
}

Result MeasureEchoMany(const EchoOptions& options) {
  const auto stubs = Stubs<Echo>(options.load.address, options.load.connections);
  Counter counter;
  const auto prepare = [&](Notes& notes) {
    const int64_t begin = counter.Next() * options.batch;
    notes.clear_notes();
    for (int64_t number = begin; number < begin + options.batch; ++number) {
      Fill(number, options.hot, *notes.add_notes());
    }
    return true;
  };
  const auto hooks = [&](int slot) -> UnarySlot<Notes, Notes>::Hooks {
    return {.call = [stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { stub->async()->UnaryMany(context, request, response, std::move(done)); },
            .prepare = prepare,
            .examine = {}};
  };
  return ClosedLoop(UnarySlots<Notes, Notes>(options.load.in_flight, hooks))
      .Run(options.load.window, options.batch);
}

CLI::App* AddEchoCommand(CommandLine& line, const std::string& name, const std::string& summary,
                         Result (*measure)(const EchoOptions&), const std::shared_ptr<EchoOptions>& options) {
  options->load.address = "127.0.0.1:50052";
  CLI::App* command = AddCommand(line, name, summary, [=] { return measure(*options); });
  AddLoadFlags(command, options->load);
  command->add_flag("--hot", options->hot, "All to one run");
  return command;
}

}  // namespace

void AddEcho(CommandLine& line) {
  AddEchoCommand(line, "echo", "Unary calls to the echo server", MeasureEcho,
                 std::make_shared<EchoOptions>());
  auto many = std::make_shared<EchoOptions>();
  many->load.in_flight = 2;
  AddEchoCommand(line, "echo-many", "The same, many notes in a call; the rate is that of notes",
                 MeasureEchoMany, many)
      ->add_option("--batch", many->batch, "Notes a call")
      ->check(CLI::PositiveNumber);
}

}  // namespace signalbox::bench
