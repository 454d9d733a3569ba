#include "service/postgres/migrator.h"

#include <map>
#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/domain/token.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {
namespace {

// Any number that nobody else uses for an advisory lock in our database: "sgnl".
constexpr int64_t kMigrationLock = 0x73676e6c;

using Applied = std::map<int, std::string>;  // version → checksum

std::string Checksum(std::string_view text) { return absl::StrFormat("%016x", StableHash(text)); }

Applied ReadApplied(pqxx::transaction_base& transaction) {
  Applied applied;
  if (transaction.exec1("SELECT to_regclass('signalbox.schema_migrations') IS NULL")[0].as<bool>())
    return applied;
  for (const pqxx::row& row : transaction.exec("SELECT version, checksum FROM signalbox.schema_migrations")) {
    applied[row[0].as<int>()] = row[1].as<std::string>();
  }
  return applied;
}

int Newest(const Applied& applied) { return applied.empty() ? 0 : applied.rbegin()->first; }

absl::Status CheckKnown(const Applied& applied, absl::Span<const Migration> migrations) {
  const int wanted = migrations.back().version;
  if (Newest(applied) > wanted) {
    return absl::FailedPreconditionError(absl::StrCat("the database's schema is version ", Newest(applied),
                                                      "; this signalboxd knows version ", wanted,
                                                      " at most. Use a newer signalboxd"));
  }
  for (const Migration& migration : migrations) {
    const auto it = applied.find(migration.version);
    if (it == applied.end() || it->second == Checksum(migration.text)) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "schema version ", migration.version, " has checksum ", it->second, " in the database and ",
        Checksum(migration.text), " in this signalboxd; they were not made from the same file"));
  }
  return absl::OkStatus();
}

void Apply(pqxx::connection& connection, const Migration& migration) {
  pqxx::work transaction(connection);
  transaction.exec(std::string(migration.text));
  transaction.exec_params(
      "INSERT INTO signalbox.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
      migration.version, std::string(migration.name), Checksum(migration.text));
  transaction.commit();
}

// Holds the lock for as long as the session lives.
void LockAndPrepare(pqxx::connection& connection) {
  pqxx::nontransaction session(connection);
  session.exec("SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)");
  session.exec(absl::StrCat("SELECT pg_advisory_lock(", kMigrationLock, ")"));
  session.exec("CREATE SCHEMA IF NOT EXISTS signalbox");
  session.exec(
      "CREATE TABLE IF NOT EXISTS signalbox.schema_migrations ("
      "version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
      "apply_time timestamptz NOT NULL DEFAULT clock_timestamp())");
}

absl::StatusOr<Applied> ReadAppliedOn(pqxx::connection& connection) {
  pqxx::nontransaction session(connection);
  return ReadApplied(session);
}

}  // namespace

absl::StatusOr<std::vector<int>> Migrate(const ConnectionOptions& options,
                                         absl::Span<const Migration> migrations) {
  absl::StatusOr<Connection> connection = OpenConnection(options);
  if (!connection.ok()) return connection.status();
  try {
    LockAndPrepare(*connection->raw);
    const absl::StatusOr<Applied> applied = ReadAppliedOn(*connection->raw);
    if (absl::Status known = CheckKnown(*applied, migrations); !known.ok()) return known;
    std::vector<int> versions;
    for (const Migration& migration : migrations) {
      if (applied->contains(migration.version)) continue;
      Apply(*connection->raw, migration);
      versions.push_back(migration.version);
    }
    return versions;
  } catch (const std::exception& error) {
    return StatusOf(error);
  }
}

absl::Status CheckSchema(ConnectionPool& pool, absl::Span<const Migration> migrations) {
  return InStatement(pool, [&](pqxx::nontransaction& session, int64_t) -> absl::Status {
    const Applied applied = ReadApplied(session);
    if (absl::Status known = CheckKnown(applied, migrations); !known.ok()) return known;
    const int wanted = migrations.back().version;
    if (applied.size() == migrations.size() && Newest(applied) == wanted) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("the database's schema is version ", Newest(applied),
                                                      "; this signalboxd wants version ", wanted,
                                                      ". Run 'signalboxd migrate'"));
  });
}

}  // namespace signalbox::service
