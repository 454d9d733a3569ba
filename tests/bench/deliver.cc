// From the start of a publish until a thread that waits for the client library's inbox has the message, and
// what a bare stream takes for the same.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "echo.grpc.pb.h"
#include "tests/bench/channel.h"
#include "tests/bench/command.h"
#include "tests/bench/delivery.h"
#include "tests/bench/job.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"

namespace signalbox::bench {
namespace {

constexpr absl::Duration kLongest = absl::Seconds(5);

struct DeliverOptions {
  std::string address = "127.0.0.1:50051";
  std::string inbox_address;
  DeliveryOptions delivery;
};

Result MeasureDeliver(const DeliverOptions& options) {
  const std::string prefix = NewPrefix("deliver");
  if (absl::Status status = EnsureRuns(options.address, prefix, 1); !status.ok()) return status;
  const std::string run = RunName(prefix, 0);
  // A connection each: publisher and job are different programs.
  const auto publisher = NewClient(options.address);
  if (!publisher.ok()) return publisher.status();
  const absl::StatusOr<Job> job =
      OpenSyncedJob(options.inbox_address.empty() ? options.address : options.inbox_address, run);
  if (!job.ok()) return job.status();

  int64_t sequence = 0;  // of the newest message that was received
  const DeliveryHooks hooks = {.publish =
                                   [&](int64_t number) {
                                     PublishRequest request;
                                     request.run = RunRef::ById(run);
                                     request.key = kKey;
                                     request.value = Value(SampleValue(number));
                                     return (*publisher)->Publish(std::move(request)).status();
                                   },
                               .receive =
                                   [&] {
                                     if (!job->inbox->WaitNewer(sequence++, kLongest)) {
                                       return absl::DeadlineExceededError("not delivered");
                                     }
                                     return absl::OkStatus();
                                   },
                               .settle =
                                   [&] {
                                     Ack applied;
                                     applied.outcome = AckOutcome::kApplied;
                                     job->inbox->Get(kKey)->Ack(applied).IgnoreError();
                                   }};
  return MeasureDelivery(options.delivery, hooks);
}

// From a call to the echo server, which has a database, to a thread that reads its stream.
Result MeasureEchoDeliver(const DeliverOptions& options) {
  const auto publisher = Echo::NewStub(NewChannel(options.address));
  const auto listener = Echo::NewStub(NewChannel(options.address));
  grpc::ClientContext stream;
  const auto reader = listener->Listen(&stream, ListenRequest());
  reader->WaitForInitialMetadata();
  Note received;
  const DeliveryHooks hooks = {
      .publish = [&](int64_t number) -> absl::Status {
        grpc::ClientContext context;
        Note note;
        note.set_run_id(RunName("run", Spread(number, kRuns)));
        note.set_key(kKey);
        note.set_value(SampleValue(number));
        Note answer;
        const grpc::Status status = publisher->Unary(&context, note, &answer);
        if (status.ok()) return absl::OkStatus();
        stream.TryCancel();  // so that nobody waits for what was not sent
        return absl::UnavailableError(status.error_message());
      },
      .receive =
          [&] {
            return reader->Read(&received) ? absl::OkStatus() : absl::UnavailableError("the stream ended");
          },
      .settle = {}};
  Result result = MeasureDelivery(options.delivery, hooks);
  stream.TryCancel();
  return result;
}

CLI::App* AddDeliverCommand(CommandLine& line, const std::string& name, const std::string& summary,
                            Result (*measure)(const DeliverOptions&),
                            const std::shared_ptr<DeliverOptions>& options) {
  CLI::App* command = AddCommand(line, name, summary, [=] { return measure(*options); });
  command->add_option("--address", options->address, "Server of the publisher, HOST:PORT");
  AddDeliveryFlags(command, options->delivery);
  return command;
}

}  // namespace

void AddDeliver(CommandLine& line) {
  auto options = std::make_shared<DeliverOptions>();
  AddDeliverCommand(line, "deliver", "From the start of a publish to the inbox of a job", MeasureDeliver,
                    options)
      ->add_option("--inbox-address", options->inbox_address, "Server of the job; the same by default");
  auto echo = std::make_shared<DeliverOptions>();
  echo->address = "127.0.0.1:50052";
  AddDeliverCommand(line, "echo-deliver", "From a call to the echo server, with a database, to its stream",
                    MeasureEchoDeliver, echo);
}

}  // namespace signalbox::bench
