#ifndef SIGNALBOX_TESTS_BENCH_JOB_H
#define SIGNALBOX_TESTS_BENCH_JOB_H

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "signalbox/client.h"

namespace signalbox::bench {

/// What a job holds of the client library: a connection and an inbox of its own.
struct Job {
  std::unique_ptr<Client> client;
  std::unique_ptr<Inbox> inbox;
};

absl::StatusOr<std::unique_ptr<Client>> NewClient(const std::string& address);

/// Does not wait for the server.
absl::StatusOr<Job> OpenJob(const std::string& address, const std::string& run_id);

/// The same, and waits until the inbox streams; kDeadlineExceeded when it does not get there.
absl::StatusOr<Job> OpenSyncedJob(const std::string& address, const std::string& run_id);

bool IsStreaming(const Job& job);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_JOB_H
