#include "tests/bench/postgres_tables.h"

#include "absl/strings/str_cat.h"
#include "tests/bench/sample.h"

namespace signalbox::bench {
namespace {

constexpr char kTables[] =
    "SET client_min_messages = warning;"
    "CREATE TABLE IF NOT EXISTS single (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " run_id bigint NOT NULL, key text NOT NULL, value jsonb NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT now(), acked_at timestamptz);"
    "CREATE INDEX IF NOT EXISTS single_pending ON single (run_id, id) WHERE acked_at IS NULL;"
    "CREATE TABLE IF NOT EXISTS runs (run_id bigint PRIMARY KEY, last_sequence bigint NOT NULL DEFAULT 0)"
    " WITH (fillfactor = 50);"
    "CREATE TABLE IF NOT EXISTS sequenced (run_id bigint NOT NULL, sequence bigint NOT NULL, key text NOT "
    "NULL,"
    " value jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), acked_at timestamptz,"
    " PRIMARY KEY (run_id, sequence));"
    "CREATE INDEX IF NOT EXISTS sequenced_pending ON sequenced (run_id, sequence) WHERE acked_at IS NULL;";

}  // namespace

absl::StatusOr<PostgresConnection> OpenWithTables(const std::string& url) {
  absl::StatusOr<PostgresConnection> connection = PostgresConnection::Open(url);
  if (!connection.ok()) return connection;
  absl::Status status = connection->Execute(kTables);
  status.Update(connection->Execute(absl::StrCat("INSERT INTO runs (run_id) SELECT generate_series(0, ",
                                                 kRuns - 1, ") ON CONFLICT DO NOTHING")));
  if (!status.ok()) return status;
  return connection;
}

}  // namespace signalbox::bench
