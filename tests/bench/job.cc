#include "tests/bench/job.h"

#include <utility>

namespace signalbox::bench {

absl::StatusOr<std::unique_ptr<Client>> NewClient(const std::string& address) {
  ClientOptions options;
  options.address = address;
  return Client::Create(options);
}

absl::StatusOr<Job> OpenJob(const std::string& address, const std::string& run_id) {
  auto client = NewClient(address);
  if (!client.ok()) return client.status();
  InboxOptions options;
  options.run = RunRef::ById(run_id);
  auto inbox = (*client)->OpenInbox(options);
  if (!inbox.ok()) return inbox.status();
  return Job{*std::move(client), *std::move(inbox)};
}

absl::StatusOr<Job> OpenSyncedJob(const std::string& address, const std::string& run_id) {
  absl::StatusOr<Job> job = OpenJob(address, run_id);
  if (!job.ok()) return job;
  if (!job->inbox->WaitSynced(absl::Seconds(10)))
    return absl::DeadlineExceededError("the inbox is not synced");
  return job;
}

bool IsStreaming(const Job& job) { return job.inbox->Status().state == ConnectionState::kStreaming; }

}  // namespace signalbox::bench
