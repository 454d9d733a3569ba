#include "service/feed/pruner.h"

#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

// A run is locked for some milliseconds while this much of it is deleted.
constexpr PruneLimit kBatch = {.rows = 500, .bytes = size_t{1} << 20};

// Looking at one costs a probe or two of an index.
constexpr int kActiveRunsOfARound = 500;
constexpr int kEndedRunsOfARound = 100;

// What a round takes for ended runs, and for active ones: both get on, however much the other has.
constexpr absl::Duration kTimeOfARound = absl::Milliseconds(500);

}  // namespace

absl::Status Pruner::PruneRun(int64_t run_no, absl::Time end) {
  while (now_() < end) {
    const absl::StatusOr<int64_t> rows = store_.Prune(run_no, retention_, kBatch);
    if (absl::IsAborted(rows.status())) break;  // another replica, or somebody who holds the run
    if (!rows.ok()) return rows.status();
    if (*rows == 0) break;
    pruned_ += *rows;
  }
  return absl::OkStatus();
}

absl::Status Pruner::PruneEndedRuns() {
  const absl::Time end = now_() + kTimeOfARound;
  const absl::StatusOr<std::vector<int64_t>> run_nos = store_.FindEndedRuns(retention_, kEndedRunsOfARound);
  if (!run_nos.ok()) return run_nos.status();
  for (int64_t run_no : *run_nos) {
    if (absl::Status status = PruneRun(run_no, end); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Pruner::PruneActiveRuns() {
  const absl::Time end = now_() + kTimeOfARound;
  const absl::StatusOr<DueRuns> due = store_.FindDueRuns(retention_, after_, kActiveRunsOfARound);
  if (!due.ok()) return due.status();
  for (int64_t run_no : due->run_nos) {
    if (absl::Status status = PruneRun(run_no, end); !status.ok()) return status;
    after_ = run_no;  // the next round does not begin with a run that takes all of the time
    if (now_() >= end) return absl::OkStatus();
  }
  after_ = due->next;
  return absl::OkStatus();
}

void Pruner::Run() {
  pruned_ = 0;
  absl::Status status = PruneEndedRuns();
  if (status.ok()) status = PruneActiveRuns();
  if (pruned_ > 0) LogDebug("pruned", {{"rows", pruned_}});
  // That the database is away is told elsewhere.
  if (!status.ok() && !absl::IsUnavailable(status) && !absl::IsAborted(status)) {
    LogError("pruning_failed", {{"error", status.message()}});
  }
}

}  // namespace signalbox::service
