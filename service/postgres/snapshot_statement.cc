#include "service/postgres/snapshot_statement.h"

#include <memory>
#include <utility>

#include "service/postgres/array_literal.h"
#include "service/postgres/row_reader.h"
#include "service/postgres/run_lookup.h"
#include "service/postgres/statements.h"

namespace signalbox::service {

SnapshotStatement::SnapshotStatement(absl::Span<const PendingRead> reads, int64_t epoch)
    : reads_(reads), epoch_(epoch) {
  ArrayLiteral ids, projects, ranks, known_runs, known_sequences, known_changes, known_marks;
  for (const auto& [run, known] : reads) {
    if (run.id.empty()) {
      ids.AddNull();
      projects.AddText(run.project);
      ranks.Add(run.rank);
    } else {
      ids.AddText(run.id);
      projects.AddNull();
      ranks.AddNull();
    }
    const bool is_known = known != nullptr && known->run.epoch == epoch;
    known_runs.Add(is_known ? known->run.run_no : 0);  // 0 is no run's number
    known_sequences.Add(is_known ? known->head.sequence : 0);
    known_changes.Add(is_known ? known->head.change : 0);
    known_marks.Add(is_known ? known->head.mark : 0);
  }
  ids_ = std::move(ids).Finish();
  projects_ = std::move(projects).Finish();
  ranks_ = std::move(ranks).Finish();
  known_runs_ = std::move(known_runs).Finish();
  known_sequences_ = std::move(known_sequences).Finish();
  known_changes_ = std::move(known_changes).Finish();
  known_marks_ = std::move(known_marks).Finish();
}

absl::StatusOr<PendingSnapshots> SnapshotStatement::Run(Transaction& transaction,
                                                        const ReadLimit& limit) const {
  PendingSnapshots answer;
  if (reads_.empty()) return answer;
  const pqxx::result rows =
      transaction.Exec(sql::kReadSnapshots, ids_, projects_, ranks_, known_runs_, known_sequences_,
                       known_changes_, known_marks_, limit.rows, static_cast<int64_t>(limit.bytes));
  answer.now = TimeFrom(rows[0]["now"]);
  const auto of_item = rows.column_number("item");
  pqxx::result::size_type begin = 0;
  for (const PendingRead& read : reads_) {
    const auto item = static_cast<int64_t>(answer.snapshots.size()) + 1;
    pqxx::result::size_type end = begin;
    while (end < rows.size() && IntFrom(rows[end][of_item]) == item) ++end;
    if (begin == end) {
      answer.snapshots.emplace_back(read.known);
    } else {
      answer.snapshots.push_back(SnapshotFrom(rows, begin, end, read.run));
    }
    begin = end;
  }
  return answer;
}

absl::StatusOr<PendingSnapshotPtr> SnapshotStatement::SnapshotFrom(const pqxx::result& rows,
                                                                   pqxx::result::size_type begin,
                                                                   pqxx::result::size_type end,
                                                                   const RunRef& run) const {
  const pqxx::row first = rows[begin];
  if (first["of_run"].is_null()) return NoSuchRun(run);
  auto snapshot = std::make_shared<PendingSnapshot>();
  snapshot->run = {first["of_run"].as<int64_t>(), first["run_id"].as<std::string>(), epoch_};
  snapshot->head = {first["head_sequence"].as<int64_t>(), first["head_change"].as<int64_t>(),
                    IntFrom(first["head_mark"])};
  snapshot->is_whole = rows[end - 1]["more"].is_null();
  if (!snapshot->is_whole || first["sequence"].is_null()) return snapshot;
  const MessageColumns columns(rows);
  for (pqxx::result::size_type row = begin; row < end; ++row) {
    snapshot->messages.push_back(
        std::make_shared<const Message>(MessageFrom(rows[row], columns, snapshot->run.id)));
  }
  return snapshot;
}

}  // namespace signalbox::service
