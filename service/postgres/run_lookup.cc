#include "service/postgres/run_lookup.h"

#include "absl/strings/str_cat.h"
#include "service/postgres/statements.h"

namespace signalbox::service {

absl::Status NoSuchRun(const RunRef& run) {
  return absl::NotFoundError(
      run.id.empty() ? absl::StrCat("there is no run ", run.rank, " of project '", run.project, "'")
                     : absl::StrCat("there is no run '", run.id, "'"));
}

absl::StatusOr<RunInfo> LookUpRun(Transaction& transaction, const RunRef& run, int64_t epoch) {
  const pqxx::result rows = run.id.empty() ? transaction.Exec(sql::kFindRunByRank, run.project, run.rank)
                                           : transaction.Exec(sql::kFindRunById, run.id);
  if (rows.empty()) return NoSuchRun(run);
  return RunInfo{rows[0][0].as<int64_t>(), rows[0][1].as<std::string>(), epoch};
}

}  // namespace signalbox::service
