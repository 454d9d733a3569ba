#ifndef SIGNALBOX_TESTS_BENCH_GROUP_ACK_H
#define SIGNALBOX_TESTS_BENCH_GROUP_ACK_H

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/group_statement.h"
#include "tests/bench/postgres_array.h"
#include "tests/bench/postgres_connection.h"
#include "tests/bench/sample.h"

namespace signalbox::bench {

/// Marks the oldest pending message of each run that is added.
class GroupAck final : public GroupStatement {
 public:
  /// Makes a new table of so many pending messages, spread over kRuns.
  static absl::StatusOr<std::unique_ptr<GroupStatement>> Open(const std::string& url, int64_t messages);

  void Add(int64_t run, const std::string& key, const std::string& value) override;
  absl::Status Commit() override;

 private:
  GroupAck(PostgresConnection connection, int64_t messages_of_run)
      : connection_(std::move(connection)), messages_of_run_(messages_of_run) {}

  PostgresConnection connection_;
  const int64_t messages_of_run_;
  std::vector<int64_t> acked_ = std::vector<int64_t>(kRuns);  // how many of each run
  PostgresArray runs_;
  PostgresArray sequences_;
  int rows_ = 0;
  bool is_used_up_ = false;
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_GROUP_ACK_H
