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

void Apply(pqxx::transaction_base& transaction, const Migration& migration) {
  transaction.exec(std::string(migration.text));
  transaction.exec_params(
      "INSERT INTO signalbox.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
      migration.version, std::string(migration.name), Checksum(migration.text));
}

// Holds the lock until the transaction ends.
void LockAndPrepare(pqxx::transaction_base& transaction) {
  transaction.exec("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0");
  transaction.exec(absl::StrCat("SELECT pg_advisory_xact_lock(", kMigrationLock, ")"));
  transaction.exec("CREATE SCHEMA IF NOT EXISTS signalbox");
  transaction.exec(
      "CREATE TABLE IF NOT EXISTS signalbox.schema_migrations ("
      "version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
      "apply_time timestamptz NOT NULL DEFAULT clock_timestamp())");
}

// Applies the first migration that is missing; 0: none is.
absl::StatusOr<int> ApplyNext(pqxx::transaction_base& transaction, absl::Span<const Migration> migrations) {
  LockAndPrepare(transaction);
  const Applied applied = ReadApplied(transaction);
  if (absl::Status known = CheckKnown(applied, migrations); !known.ok()) return known;
  for (const Migration& migration : migrations) {
    if (applied.contains(migration.version)) continue;
    Apply(transaction, migration);
    return migration.version;
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::vector<int>> Migrate(const ConnectionOptions& options,
                                         absl::Span<const Migration> migrations) {
  absl::StatusOr<Connection> connection = OpenConnection(options);
  if (!connection.ok()) return connection.status();
  std::vector<int> versions;
  try {
    for (;;) {
      const absl::StatusOr<int> version = RunOn<pqxx::work>(
          *connection, options,
          [&](Transaction& transaction, int64_t) { return ApplyNext(transaction.raw(), migrations); });
      if (!version.ok()) return version.status();
      if (*version == 0) return versions;
      versions.push_back(*version);
    }
  } catch (const std::exception& error) {
    return StatusOf(error);
  }
}

absl::Status CheckSchema(ConnectionPool& pool, absl::Span<const Migration> migrations) {
  return InStatement(pool, [&](Transaction& transaction, int64_t) -> absl::Status {
    const Applied applied = ReadApplied(transaction.raw());
    if (absl::Status known = CheckKnown(applied, migrations); !known.ok()) return known;
    const int wanted = migrations.back().version;
    if (applied.size() == migrations.size() && Newest(applied) == wanted) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("the database's schema is version ", Newest(applied),
                                                      "; this signalboxd wants version ", wanted,
                                                      ". Run 'signalboxd migrate'"));
  });
}

}  // namespace signalbox::service
