// Runs with a history, for what is read.

#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/publishing.h"
#include "tests/bench/signalbox_runs.h"

namespace signalbox::bench {
namespace {

struct PrepareOptions {
  std::string address = "127.0.0.1:50051";
  std::string prefix = "read";
  int64_t runs = 100;
  int64_t finished = 990;
  int64_t pending = 10;
};

absl::Status Finish(v1::MessageService::Stub& stub, const std::vector<std::string>& ids) {
  constexpr std::size_t kIdsOfACall = 1000;
  for (std::size_t begin = 0; begin < ids.size(); begin += kIdsOfACall) {
    v1::AckRequest request;
    request.set_consumer("bench");
    request.set_outcome(v1::ACK_OUTCOME_APPLIED);
    for (std::size_t i = begin; i < std::min(ids.size(), begin + kIdsOfACall); ++i)
      request.add_message_ids(ids[i]);
    v1::AckResponse response;
    grpc::ClientContext context;
    if (grpc::Status status = stub.Ack(&context, request, &response); !status.ok()) {
      return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
    }
  }
  return absl::OkStatus();
}

Result Prepare(const PrepareOptions& options) {
  if (absl::Status status = EnsureRuns(options.address, options.prefix, options.runs); !status.ok())
    return status;
  const auto run_of = [&](int64_t number) { return RunName(options.prefix, number % options.runs); };
  const auto old = PublishAll(options.address, options.runs * options.finished, run_of);
  if (!old.ok()) return old.status();
  if (absl::Status status = Finish(*Stubs<v1::MessageService>(options.address)[0], *old); !status.ok())
    return status;
  const auto pending = PublishAll(options.address, options.runs * options.pending, run_of);
  if (!pending.ok()) return pending.status();
  return nlohmann::json{{"finished", old->size()}, {"pending", pending->size()}};
}

}  // namespace

void AddPrepareRuns(CommandLine& line) {
  auto options = std::make_shared<PrepareOptions>();
  CLI::App* command = AddCommand(line, "prepare-runs", "Makes runs with finished and with pending messages",
                                 [=] { return Prepare(*options); });
  command->add_option("--address", options->address, "Server, HOST:PORT");
  command->add_option("--run-prefix", options->prefix, "What their ids begin with");
  command->add_option("--runs", options->runs, "How many runs")->check(CLI::PositiveNumber);
  command->add_option("--finished", options->finished, "Finished messages of each")
      ->check(CLI::Range(0, 990));
  command->add_option("--pending", options->pending, "Pending messages of each")->check(CLI::Range(0, 1000));
}

}  // namespace signalbox::bench
