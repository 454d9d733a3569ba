// What Postgres allows: the statements that a message service cannot do without, and nothing around
// them. The tables stand for those of any such service.

#include <poll.h>

#include "absl/strings/str_cat.h"
#include "tests/bench/command.h"
#include "tests/bench/delivery.h"
#include "tests/bench/postgres_connection.h"
#include "tests/bench/sample.h"
#include "tests/bench/sequential.h"

namespace signalbox::bench {
namespace {

struct PostgresOptions {
  std::string url;
  int batch = 100;
  bool hot = false;
  int64_t messages = 300'000;
  WindowOptions window;
  DeliveryOptions delivery;
};

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

constexpr char kInsert[] =
    "INSERT INTO single (run_id, key, value) VALUES ($1::bigint, $2::text, $3::jsonb) RETURNING id";

constexpr char kInsertAndNotify[] =
    "WITH i AS (INSERT INTO single (run_id, key, value) VALUES ($1::bigint, $2::text, $3::jsonb) RETURNING "
    "id)"
    " SELECT pg_notify('news', id::text) FROM i";

// Locks the runs, takes the next sequences, inserts: what a message service with order must do at least.
constexpr char kInsertGroup[] =
    "WITH t AS (SELECT r, k, v, o FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY t(r, k, "
    "v, o)),"
    " c AS (SELECT r, count(*) n FROM t GROUP BY r),"
    " u AS (UPDATE runs SET last_sequence = last_sequence + c.n FROM c WHERE runs.run_id = c.r"
    "       RETURNING runs.run_id, runs.last_sequence - c.n base)"
    " INSERT INTO sequenced (run_id, sequence, key, value)"
    " SELECT t.r, u.base + row_number() OVER (PARTITION BY t.r ORDER BY t.o), t.k, t.v::jsonb"
    "   FROM t JOIN u ON u.run_id = t.r RETURNING run_id, sequence";

constexpr char kAckGroup[] =
    "UPDATE acked SET acked_at = now() FROM unnest($1::bigint[], $2::bigint[]) t(r, s)"
    " WHERE run_id = r AND sequence = s AND acked_at IS NULL";

absl::StatusOr<PostgresConnection> OpenWithTables(const PostgresOptions& options) {
  absl::StatusOr<PostgresConnection> connection = PostgresConnection::Open(options.url);
  if (!connection.ok()) return connection;
  absl::Status status = connection->Execute(kTables);
  status.Update(connection->Execute(absl::StrCat("INSERT INTO runs (run_id) SELECT generate_series(0, ",
                                                 kRuns - 1, ") ON CONFLICT DO NOTHING")));
  if (!status.ok()) return status;
  return connection;
}

Result MeasureInsert(const PostgresOptions& options) {
  absl::StatusOr<PostgresConnection> connection = OpenWithTables(options);
  if (!connection.ok()) return connection.status();
  if (absl::Status status = connection->Prepare(kInsert); !status.ok()) return status;
  Counter counter;
  return RunSequentially(options.window, [&] {
    const int64_t number = counter.Next();
    return connection->Run({absl::StrCat(Spread(number, kRuns)), kKey, SampleValue(number)}, 1);
  });
}

// Appends to the text of an array; text is put into quotes.
void Append(std::string& array, const std::string& element) {
  absl::StrAppend(&array, array.empty() ? "{" : ",", element);
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

Result MeasureInsertGroups(const PostgresOptions& options) {
  absl::StatusOr<PostgresConnection> connection = OpenWithTables(options);
  if (!connection.ok()) return connection.status();
  if (absl::Status status = connection->Prepare(kInsertGroup); !status.ok()) return status;
  Counter counter;
  const auto insert = [&] {
    std::string runs;
    std::string keys;
    std::string values;
    for (int i = 0; i < options.batch; ++i) {
      const int64_t number = counter.Next();
      Append(runs, absl::StrCat(Spread(number, options.hot ? 1 : kRuns)));
      Append(keys, kKey);
      Append(values, Quoted(SampleValue(number)));
    }
    return connection->Run({runs + "}", keys + "}", values + "}"}, options.batch);
  };
  return RunSequentially(options.window, insert, options.batch);
}

Result MeasureAckGroups(const PostgresOptions& options) {
  absl::StatusOr<PostgresConnection> connection = OpenWithTables(options);
  if (!connection.ok()) return connection.status();
  // A new table each time: every ack finds its message pending.
  absl::Status status = connection->Execute(
      absl::StrCat("DROP TABLE IF EXISTS acked; CREATE TABLE acked (LIKE sequenced INCLUDING ALL)"
                   " WITH (fillfactor = 90); INSERT INTO acked (run_id, sequence, key, value) SELECT r, s, '",
                   kKey, "', to_jsonb('", SampleValue(0), "'::text) FROM generate_series(1, ",
                   options.messages / kRuns, ") s, generate_series(0, ", kRuns - 1, ") r; ANALYZE acked"));
  status.Update(connection->Prepare(kAckGroup));
  if (!status.ok()) return status;
  Counter counter;
  const auto ack = [&] {
    std::string runs;
    std::string sequences;
    for (int i = 0; i < options.batch; ++i) {
      const int64_t number = counter.Next();
      if (number >= options.messages / kRuns * kRuns) return absl::OutOfRangeError("all is acked");
      Append(runs, absl::StrCat(Spread(number, kRuns)));
      Append(sequences, absl::StrCat(1 + number / kRuns));
    }
    return connection->Run({runs + "}", sequences + "}"}, options.batch);
  };
  return RunSequentially(options.window, ack, options.batch);
}

// Waits for a notification.
absl::Status Listen(PGconn* connection) {
  constexpr int kWaitMs = 5000;
  while (true) {
    if (PGnotify* notification = PQnotifies(connection)) {
      PQfreemem(notification);
      return absl::OkStatus();
    }
    pollfd readable = {.fd = PQsocket(connection), .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, kWaitMs) <= 0 || PQconsumeInput(connection) == 0) {
      return absl::UnavailableError("no notification came");
    }
  }
}

Result MeasureNotify(const PostgresOptions& options) {
  absl::StatusOr<PostgresConnection> writer = OpenWithTables(options);
  absl::StatusOr<PostgresConnection> listener = PostgresConnection::Open(options.url);
  if (!writer.ok()) return writer.status();
  if (!listener.ok()) return listener.status();
  absl::Status status = writer->Prepare(kInsertAndNotify);
  status.Update(listener->Execute("LISTEN news"));
  if (!status.ok()) return status;
  const DeliveryHooks hooks = {
      .publish =
          [&](int64_t number) {
            return writer->Run({absl::StrCat(Spread(number, kRuns)), kKey, SampleValue(number)}, 1);
          },
      .receive = [&] { return Listen(listener->get()); },
      .settle = {}};
  return MeasureDelivery(options.delivery, hooks);
}

CLI::App* AddPostgresCommand(CommandLine& line, const std::string& name, const std::string& summary,
                             Result (*measure)(const PostgresOptions&),
                             const std::shared_ptr<PostgresOptions>& options) {
  CLI::App* command = AddCommand(line, name, summary, [=] { return measure(*options); });
  command->add_option("--database-url", options->url, "A database for tables of its own")->required();
  return command;
}

}  // namespace

void AddPostgres(CommandLine& line) {
  auto options = std::make_shared<PostgresOptions>();
  CLI::App* insert = AddPostgresCommand(line, "postgres-insert", "Inserts of one row, one after the other",
                                        MeasureInsert, options);
  CLI::App* groups =
      AddPostgresCommand(line, "postgres-groups", "Lock of the runs, sequences and inserts in one statement",
                         MeasureInsertGroups, options);
  CLI::App* acks = AddPostgresCommand(line, "postgres-acks", "Updates of many rows in one statement",
                                      MeasureAckGroups, options);
  CLI::App* notify = AddPostgresCommand(
      line, "postgres-notify", "From the start of INSERT and NOTIFY to the listener", MeasureNotify, options);
  for (CLI::App* command : {insert, groups, acks}) AddWindowFlags(command, options->window);
  for (CLI::App* command : {groups, acks}) command->add_option("--batch", options->batch, "Rows a statement");
  groups->add_flag("--hot", options->hot, "All to one run");
  acks->add_option("--messages", options->messages, "Rows to update, inserted before")
      ->check(CLI::Range(kRuns, 100 * kRuns));
  AddDeliveryFlags(notify, options->delivery);
}

}  // namespace signalbox::bench
