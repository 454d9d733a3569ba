// Inboxes of the client library that lose their server, until all are synced again.

#include <algorithm>
#include <iostream>
#include <memory>

#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/job.h"
#include "tests/bench/signalbox_runs.h"

namespace signalbox::bench {
namespace {

struct ReconnectOptions {
  std::string address = "127.0.0.1:50051";
  std::string prefix = "run";
  int subscribers = 5000;
  double limit = 120;
};

absl::Status Await(const ReconnectOptions& options, const std::string& what,
                   const std::function<bool()>& is_there) {
  const int64_t deadline = Nanoseconds() + FromSeconds(options.limit);
  while (!is_there()) {
    if (Nanoseconds() > deadline) return absl::DeadlineExceededError(what);
    Sleep(0.01);
  }
  return absl::OkStatus();
}

Result MeasureReconnect(const ReconnectOptions& options) {
  if (absl::Status status = EnsureRuns(options.address, options.prefix, options.subscribers); !status.ok()) {
    return status;
  }
  constexpr int kAtATime = 50;
  std::vector<Job> jobs;
  while (std::ssize(jobs) < options.subscribers) {
    const int next = std::min<int>(options.subscribers, static_cast<int>(jobs.size()) + kAtATime);
    for (int number = static_cast<int>(jobs.size()); number < next; ++number) {
      absl::StatusOr<Job> job = OpenJob(options.address, RunName(options.prefix, number));
      if (!job.ok()) return job.status();
      jobs.push_back(*std::move(job));
    }
    absl::Status status = Await(options, "not all inboxes opened", [&] {
      return std::ranges::all_of(jobs.end() - std::min<std::ptrdiff_t>(kAtATime, std::ssize(jobs)),
                                 jobs.end(), IsStreaming);
    });
    if (!status.ok()) return status;
  }
  // The caller restarts the server when it reads this.
  std::cerr << "ready\n";
  const auto count = static_cast<int64_t>(jobs.size());
  absl::Status status = Await(options, "the server was not restarted",
                              [&] { return std::ranges::count_if(jobs, IsStreaming) < count; });
  const int64_t lost = Nanoseconds();
  status.Update(Await(options, "not all inboxes came back",
                      [&] { return std::ranges::count_if(jobs, IsStreaming) == count; }));
  if (!status.ok()) return status;
  const int64_t synced = Nanoseconds();
  return nlohmann::json{{"count", count},
                        {"seconds_from_loss", static_cast<double>(synced - lost) / 1e9},
                        {"monotonic_seconds", static_cast<double>(synced) / 1e9}};
}

}  // namespace

void AddReconnect(CommandLine& line) {
  auto options = std::make_shared<ReconnectOptions>();
  CLI::App* command = AddCommand(
      line, "reconnect", "Open inboxes, say \"ready\" on stderr, and time their return after a restart",
      [=] { return MeasureReconnect(*options); });
  command->add_option("--address", options->address, "Server, HOST:PORT");
  command->add_option("--run-prefix", options->prefix, "Runs, one for each; made when they are not there");
  command->add_option("--subscribers", options->subscribers, "Inboxes, each with a client of its own");
  command->add_option("--limit", options->limit, "Seconds that the loss and the return may take each");
}

}  // namespace signalbox::bench
