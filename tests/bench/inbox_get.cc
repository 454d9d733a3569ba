// What a training loop pays at each step: Inbox::Get() when nothing is pending.

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/job.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/support/allocations.h"

namespace signalbox::bench {
namespace {

struct InboxGetOptions {
  std::string address = "127.0.0.1:50051";
  int keys = 256;
  int threads = 1;
  double seconds = 1;
};

struct Reading {
  int64_t gets = 0;
  int64_t nanoseconds = 0;
  int64_t allocations = 0;
  int64_t found = 0;
};

Reading ReadUntil(int64_t end, const Inbox& inbox, const std::vector<std::string>& keys) {
  constexpr int kRoundsBetweenClocks = 16;
  Reading reading;
  const int64_t allocations = AllocationsOfThisThread();
  const int64_t begin = Nanoseconds();
  int64_t now = begin;
  while (now < end) {
    for (int round = 0; round < kRoundsBetweenClocks; ++round) {
      for (const std::string& key : keys) reading.found += inbox.Get(key).has_value() ? 1 : 0;
    }
    reading.gets += kRoundsBetweenClocks * static_cast<int64_t>(keys.size());
    now = Nanoseconds();
  }
  reading.nanoseconds = now - begin;
  reading.allocations = AllocationsOfThisThread() - allocations;
  return reading;
}

Result ReadInThreads(const InboxGetOptions& options, const Inbox& inbox,
                     const std::vector<std::string>& keys) {
  std::vector<Reading> readings(static_cast<std::size_t>(options.threads));
  std::vector<std::thread> threads;
  const int64_t end = Nanoseconds() + FromSeconds(options.seconds);
  threads.reserve(readings.size());
  for (Reading& reading : readings) threads.emplace_back([&] { reading = ReadUntil(end, inbox, keys); });
  for (std::thread& thread : threads) thread.join();
  Reading sum;
  double rate = 0;
  for (const Reading& reading : readings) {
    sum.gets += reading.gets;
    sum.nanoseconds += reading.nanoseconds;
    sum.allocations += reading.allocations;
    sum.found += reading.found;
    rate += static_cast<double>(reading.gets) * 1e9 / static_cast<double>(reading.nanoseconds);
  }
  if (sum.found > 0) return absl::FailedPreconditionError("something is pending");
  return nlohmann::json{{"ns_per_get", static_cast<double>(sum.nanoseconds) / static_cast<double>(sum.gets)},
                        {"rate", rate},
                        {"count", sum.gets},
                        {"allocations", sum.allocations}};
}

Result MeasureInboxGet(const InboxGetOptions& options) {
  const std::string prefix = NewPrefix("inbox");
  if (absl::Status status = EnsureRuns(options.address, prefix, 1); !status.ok()) return status;
  const absl::StatusOr<Job> job = OpenSyncedJob(options.address, RunName(prefix, 0));
  if (!job.ok()) return job.status();
  Inbox& inbox = *job->inbox;
  std::vector<std::string> keys;
  for (int i = 0; i < options.keys; ++i) {
    keys.push_back(absl::StrCat("key-", i));
    absl::Status declared = inbox.On(keys.back(), [](const Message&) { return std::nullopt; });
    if (!declared.ok()) return declared;
  }
  if (!inbox.WaitSynced(absl::Seconds(10))) return absl::DeadlineExceededError("the inbox is not synced");
  return ReadInThreads(options, inbox, keys);
}

}  // namespace

void AddInboxGet(CommandLine& line) {
  auto options = std::make_shared<InboxGetOptions>();
  CLI::App* command = AddCommand(line, "inbox-get", "Inbox::Get() of declared keys when nothing is pending",
                                 [=] { return MeasureInboxGet(*options); });
  command->add_option("--address", options->address, "Server, HOST:PORT");
  command->add_option("--keys", options->keys, "Declared keys")->check(CLI::Range(1, 256));
  command->add_option("--threads", options->threads, "Threads that read")->check(CLI::PositiveNumber);
  command->add_option("--seconds", options->seconds, "Seconds that are measured");
}

}  // namespace signalbox::bench
