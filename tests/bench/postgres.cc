// What Postgres allows: the statements that a message service cannot do without, and nothing around
// them. The tables stand for those of any such service.

#include <poll.h>

#include "absl/strings/str_cat.h"
#include "tests/bench/command.h"
#include "tests/bench/delivery.h"
#include "tests/bench/group_ack.h"
#include "tests/bench/group_insert.h"
#include "tests/bench/postgres_connection.h"
#include "tests/bench/postgres_tables.h"
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

constexpr char kInsert[] =
    "INSERT INTO single (run_id, key, value) VALUES ($1::bigint, $2::text, $3::jsonb) RETURNING id";

constexpr char kInsertAndNotify[] =
    "WITH i AS (INSERT INTO single (run_id, key, value) VALUES ($1::bigint, $2::text, $3::jsonb) RETURNING "
    "id)"
    " SELECT pg_notify('news', id::text) FROM i";

Result MeasureInsert(const PostgresOptions& options) {
  absl::StatusOr<PostgresConnection> connection = OpenWithTables(options.url);
  if (!connection.ok()) return connection.status();
  if (absl::Status status = connection->Prepare(kInsert); !status.ok()) return status;
  Counter counter;
  return RunSequentially(options.window, [&] {
    const int64_t number = counter.Next();
    return connection->Run({absl::StrCat(Spread(number, kRuns)), kKey, SampleValue(number)}, 1);
  });
}

Result MeasureGroups(const PostgresOptions& options,
                     const absl::StatusOr<std::unique_ptr<GroupStatement>>& group) {
  if (!group.ok()) return group.status();
  Counter counter;
  const auto commit = [&] {
    for (int i = 0; i < options.batch; ++i) {
      const int64_t number = counter.Next();
      (*group)->Add(Spread(number, options.hot ? 1 : kRuns), kKey, SampleValue(number));
    }
    return (*group)->Commit();
  };
  return RunSequentially(options.window, commit, options.batch);
}

Result MeasureInsertGroups(const PostgresOptions& options) {
  return MeasureGroups(options, GroupInsert::Open(options.url));
}

Result MeasureAckGroups(const PostgresOptions& options) {
  return MeasureGroups(options, GroupAck::Open(options.url, options.messages));
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
  absl::StatusOr<PostgresConnection> writer = OpenWithTables(options.url);
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
