#include "tests/bench/group_ack.h"

#include "absl/strings/str_cat.h"
#include "tests/bench/postgres_tables.h"

namespace signalbox::bench {
namespace {

constexpr char kAckGroup[] =
    "UPDATE acked SET acked_at = now() FROM unnest($1::bigint[], $2::bigint[]) t(r, s)"
    " WHERE run_id = r AND sequence = s AND acked_at IS NULL";

}  // namespace

absl::StatusOr<std::unique_ptr<GroupStatement>> GroupAck::Open(const std::string& url, int64_t messages) {
  absl::StatusOr<PostgresConnection> connection = OpenWithTables(url);
  if (!connection.ok()) return connection.status();
  const int64_t messages_of_run = messages / kRuns;
  absl::Status status = connection->Execute(absl::StrCat(
      "DROP TABLE IF EXISTS acked; CREATE TABLE acked (LIKE sequenced INCLUDING ALL) WITH (fillfactor = 90);"
      " INSERT INTO acked (run_id, sequence, key, value) SELECT r, s, '",
      kKey, "', to_jsonb('", SampleValue(0), "'::text) FROM generate_series(1, ", messages_of_run,
      ") s, generate_series(0, ", kRuns - 1, ") r; ANALYZE acked"));
  status.Update(connection->Prepare(kAckGroup));
  if (!status.ok()) return status;
  return std::unique_ptr<GroupStatement>(new GroupAck(*std::move(connection), messages_of_run));
}

void GroupAck::Add(int64_t run, const std::string& /*key*/, const std::string& /*value*/) {
  const int64_t sequence = ++acked_[static_cast<size_t>(run)];
  is_used_up_ = is_used_up_ || sequence > messages_of_run_;
  runs_.Add(run);
  sequences_.Add(sequence);
  ++rows_;
}

absl::Status GroupAck::Commit() {
  if (is_used_up_) return absl::OutOfRangeError("all is acked");
  return connection_.Run({runs_.Take(), sequences_.Take()}, std::exchange(rows_, 0));
}

}  // namespace signalbox::bench
