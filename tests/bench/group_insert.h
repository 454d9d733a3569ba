#ifndef SIGNALBOX_TESTS_BENCH_GROUP_INSERT_H
#define SIGNALBOX_TESTS_BENCH_GROUP_INSERT_H

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tests/bench/group_statement.h"
#include "tests/bench/postgres_array.h"
#include "tests/bench/postgres_connection.h"

namespace signalbox::bench {

/// Locks the runs, takes the next sequences, inserts: what a service that keeps an order cannot do without.
class GroupInsert final : public GroupStatement {
 public:
  static absl::StatusOr<std::unique_ptr<GroupStatement>> Open(const std::string& url);

  void Add(int64_t run, const std::string& key, const std::string& value) override;
  absl::Status Commit() override;

 private:
  explicit GroupInsert(PostgresConnection connection) : connection_(std::move(connection)) {}

  PostgresConnection connection_;
  PostgresArray runs_;
  PostgresArray keys_;
  PostgresArray values_;
  int rows_ = 0;
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_GROUP_INSERT_H
