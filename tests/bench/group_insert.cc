#include "tests/bench/group_insert.h"

#include "tests/bench/postgres_tables.h"

namespace signalbox::bench {
namespace {

constexpr char kInsertGroup[] =
    "WITH t AS (SELECT r, k, v, o FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY t(r, k, "
    "v, o)),"
    " c AS (SELECT r, count(*) n FROM t GROUP BY r),"
    " u AS (UPDATE runs SET last_sequence = last_sequence + c.n FROM c WHERE runs.run_id = c.r"
    "       RETURNING runs.run_id, runs.last_sequence - c.n base)"
    " INSERT INTO sequenced (run_id, sequence, key, value)"
    " SELECT t.r, u.base + row_number() OVER (PARTITION BY t.r ORDER BY t.o), t.k, t.v::jsonb"
    "   FROM t JOIN u ON u.run_id = t.r RETURNING run_id, sequence";

}  // namespace

absl::StatusOr<std::unique_ptr<GroupStatement>> GroupInsert::Open(const std::string& url) {
  absl::StatusOr<PostgresConnection> connection = OpenWithTables(url);
  if (!connection.ok()) return connection.status();
  if (absl::Status status = connection->Prepare(kInsertGroup); !status.ok()) return status;
  return std::unique_ptr<GroupStatement>(new GroupInsert(*std::move(connection)));
}

void GroupInsert::Add(int64_t run, const std::string& key, const std::string& value) {
  runs_.Add(run);
  keys_.Add(key);
  values_.Add(value);
  ++rows_;
}

absl::Status GroupInsert::Commit() {
  return connection_.Run({runs_.Take(), keys_.Take(), values_.Take()}, std::exchange(rows_, 0));
}

}  // namespace signalbox::bench
