// One message to many subscribers, each with a connection of its own, until the last one has it.

#include <grpcpp/grpcpp.h>

#include <memory>

#include "echo.grpc.pb.h"
#include "tests/bench/channel.h"
#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/latencies.h"
#include "tests/bench/publishing.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/subscribers.h"

namespace signalbox::bench {
namespace {

struct FanOutOptions {
  std::string address = "127.0.0.1:50051";
  int subscribers = 1000;
  int messages = 30;
};

// What is sent and how, by its number.
using Send = std::function<grpc::Status(grpc::ClientContext*, int64_t number)>;

Result MeasureFanOut(const FanOutOptions& options, const MakeSubscriber& make, const Send& send) {
  constexpr int kWarmUp = 5;
  Crowd crowd;
  if (absl::Status status = crowd.Open(options.subscribers, make); !status.ok()) return status;
  Latencies latencies;
  for (int number = 0; number < kWarmUp + options.messages; ++number) {
    Sleep(0.02);
    const int64_t begin = Nanoseconds();
    grpc::ClientContext context;
    if (const grpc::Status sent = send(&context, number); !sent.ok()) {
      return absl::UnavailableError(sent.error_message());
    }
    absl::Status status = crowd.AwaitMessages(int64_t{options.subscribers} * (number + 1));
    if (!status.ok()) return status;
    if (number >= kWarmUp) latencies.Add(Nanoseconds() - begin);
  }
  return latencies.Summary();
}

Result MeasureSignalbox(const FanOutOptions& options) {
  const std::string prefix = NewPrefix("fan-out");
  if (absl::Status status = EnsureRuns(options.address, prefix, 1); !status.ok()) return status;
  const std::string run = RunName(prefix, 0);
  const auto stub = v1::MessageService::NewStub(NewChannel(options.address));
  return MeasureFanOut(options, SubscribeTo(options.address, [run](int) { return run; }),
                       [&](grpc::ClientContext* context, int64_t number) {
                         v1::PublishRequest request;
                         FillPublish(run, number, 100, request);
                         v1::PublishResponse response;
                         return stub->Publish(context, request, &response);
                       });
}

Result MeasureRawStreams(const FanOutOptions& options) {
  const auto stub = Echo::NewStub(NewChannel(options.address));
  return MeasureFanOut(options, ListenTo(options.address), [&](grpc::ClientContext* context, int64_t number) {
    Note note;
    note.set_run_id(RunName("run", 0));
    note.set_key(kKey);
    note.set_value(SampleValue(number));
    BroadcastResponse response;
    return stub->Broadcast(context, note, &response);
  });
}

void AddFanOutCommand(CommandLine& line, const std::string& name, const std::string& summary,
                      Result (*measure)(const FanOutOptions&), const std::string& address) {
  auto options = std::make_shared<FanOutOptions>();
  options->address = address;
  CLI::App* command = AddCommand(line, name, summary, [=] { return measure(*options); });
  command->add_option("--address", options->address, "Server, HOST:PORT");
  command->add_option("--subscribers", options->subscribers, "Streams, each with a connection")
      ->check(CLI::PositiveNumber);
  command->add_option("--messages", options->messages, "Messages, one after the other")
      ->check(CLI::Range(1, 900));
}

}  // namespace

void AddFanOut(CommandLine& line) {
  AddFanOutCommand(line, "fan-out", "One message until the last of many subscribers has it", MeasureSignalbox,
                   "127.0.0.1:50051");
  AddFanOutCommand(line, "echo-fan-out", "The same with bare streams of the echo server", MeasureRawStreams,
                   "127.0.0.1:50052");
}

}  // namespace signalbox::bench
