// Unary reads of runs that were prepared.

#include "signalbox/v1/message_service.grpc.pb.h"
#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {
namespace {

struct ReadOptions {
  LoadOptions load;
  std::string prefix = "read";
  int64_t runs = 100;
  int expect = 10;
  int page_size = 0;
};

// `call` starts the RPC, which answers with a page of messages.
template <class Request, class Response, class Call>
Result MeasureRead(const ReadOptions& options, const Call& call) {
  const auto stubs = Stubs<v1::MessageService>(options.load.address, options.load.connections);
  Counter counter;
  const auto prepare = [&](Request& request) {
    request.mutable_run()->set_id(RunName(options.prefix, Spread(counter.Next(), options.runs)));
    request.set_page_size(options.page_size);
    return true;
  };
  const auto examine = [&](const Response& response) {
    if (response.messages_size() >= options.expect) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("a page of ", response.messages_size(), " messages"));
  };
  const auto hooks = [&](int slot) -> UnarySlot<Request, Response>::Hooks {
    return {.call = [&call, stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { call(*stub->async(), context, request, response, std::move(done)); },
            .prepare = prepare,
            .examine = examine};
  };
  return ClosedLoop(UnarySlots<Request, Response>(options.load.in_flight, hooks)).Run(options.load.window);
}

Result MeasureGetAll(const ReadOptions& options) {
  return MeasureRead<v1::GetAllRequest, v1::GetAllResponse>(
      options, [](auto& stub, auto* context, auto* request, auto* response, auto done) {
        stub.GetAll(context, request, response, std::move(done));
      });
}

Result MeasureListMessages(const ReadOptions& options) {
  return MeasureRead<v1::ListMessagesRequest, v1::ListMessagesResponse>(
      options, [](auto& stub, auto* context, auto* request, auto* response, auto done) {
        stub.ListMessages(context, request, response, std::move(done));
      });
}

void AddRead(CommandLine& line, const std::string& name, const std::string& summary,
             Result (*measure)(const ReadOptions&)) {
  auto options = std::make_shared<ReadOptions>();
  CLI::App* command = AddCommand(line, name, summary, [=] { return measure(*options); });
  AddLoadFlags(command, options->load);
  command->add_option("--run-prefix", options->prefix, "Runs to read");
  command->add_option("--runs", options->runs, "How many")->check(CLI::PositiveNumber);
  command->add_option("--page-size", options->page_size, "Most messages in a page; 0: the server's default");
  command->add_option("--expect", options->expect, "Messages that a page holds at least");
}

}  // namespace

void AddReads(CommandLine& line) {
  AddRead(line, "get-all", "Reads of all that is pending of a run", MeasureGetAll);
  AddRead(line, "list-messages", "First pages of the history of a run", MeasureListMessages);
}

}  // namespace signalbox::bench
