#include "service/postgres/postgres_pruning_store.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "service/postgres/statements.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {
namespace {

// For ever is 100 years here: Postgres cannot subtract infinity from a time.
int64_t Microseconds(absl::Duration age) {
  return absl::ToInt64Microseconds(std::min(age, absl::Hours(24 * 365 * 100)));
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> PostgresPruningStore::FindEndedRuns(const Retention& retention,
                                                                         int limit) {
  return InStatement(pool_, [&](Transaction& transaction, int64_t) -> absl::StatusOr<std::vector<int64_t>> {
    std::vector<int64_t> run_nos;
    for (const pqxx::row& row :
         transaction.Exec(sql::kFindEndedRuns, Microseconds(retention.ended_runs), limit)) {
      run_nos.push_back(row[0].as<int64_t>());
    }
    return run_nos;
  });
}

absl::StatusOr<DueRuns> PostgresPruningStore::FindDueRuns(const Retention& retention, int64_t after,
                                                          int limit) {
  return InStatement(pool_, [&](Transaction& transaction, int64_t) -> absl::StatusOr<DueRuns> {
    const pqxx::result rows =
        transaction.Exec(sql::kFindDueRuns, Microseconds(retention.finished_messages), after, limit);
    DueRuns due;
    for (const pqxx::row& row : rows) {
      if (row[1].as<bool>()) due.run_nos.push_back(row[0].as<int64_t>());
    }
    if (rows.size() == static_cast<pqxx::result::size_type>(limit)) due.next = rows.back()[0].as<int64_t>();
    return due;
  });
}

absl::StatusOr<int64_t> PostgresPruningStore::Prune(int64_t run_no, const Retention& retention,
                                                    const PruneLimit& limit) {
  return InStatement(pool_, [&](Transaction& transaction, int64_t) -> absl::StatusOr<int64_t> {
    const pqxx::row row = transaction.Exec1(sql::kPruneRun, run_no, Microseconds(retention.ended_runs),
                                            Microseconds(retention.finished_messages), limit.rows,
                                            static_cast<int64_t>(limit.bytes));
    if (row[0].is_null()) return absl::AbortedError("another session prunes");
    return row[0].as<int64_t>();
  });
}

}  // namespace signalbox::service
