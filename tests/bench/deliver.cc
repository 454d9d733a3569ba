// From the start of a publish until the client library's inbox holds the message.

#include <memory>
#include <optional>
#include <string>

#include "tests/bench/command.h"
#include "tests/bench/delivery.h"
#include "tests/bench/job.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"

namespace signalbox::bench {
namespace {

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

  int64_t sequence = 0;
  std::optional<ReceivedMessage> received;
  const DeliveryHooks hooks = {.publish =
                                   [&](int64_t number) {
                                     PublishRequest request;
                                     request.run = RunRef::ById(run);
                                     request.key = kKey;
                                     request.value = Value(SampleValue(number));
                                     const auto published = (*publisher)->Publish(std::move(request));
                                     if (published.ok()) sequence = published->message.sequence;
                                     return published.status();
                                   },
                               .has_arrived =
                                   [&] {
                                     received = job->inbox->Get(kKey);
                                     return received.has_value() && (*received)->sequence == sequence;
                                   },
                               .settle =
                                   [&] {
                                     Ack applied;
                                     applied.outcome = AckOutcome::kApplied;
                                     received->Ack(applied).IgnoreError();
                                   }};
  return MeasureDelivery(options.delivery, hooks);
}

}  // namespace

void AddDeliver(CommandLine& line) {
  auto options = std::make_shared<DeliverOptions>();
  CLI::App* command = AddCommand(line, "deliver", "From the start of a publish to the inbox of a job",
                                 [=] { return MeasureDeliver(*options); });
  command->add_option("--address", options->address, "Server of the publisher, HOST:PORT");
  command->add_option("--inbox-address", options->inbox_address, "Server of the job; the same by default");
  AddDeliveryFlags(command, options->delivery);
}

}  // namespace signalbox::bench
