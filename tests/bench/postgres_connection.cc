#include "tests/bench/postgres_connection.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace signalbox::bench {
namespace {

constexpr char kStatement[] = "measured";

struct Clearer {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, Clearer>;

bool HasWorked(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

}  // namespace

absl::StatusOr<PostgresConnection> PostgresConnection::Open(const std::string& url) {
  PostgresConnection connection(PQconnectdb(url.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return absl::UnavailableError(PQerrorMessage(connection.get()));
  }
  // As Signalbox's own writer may; planning anew each time would be the larger part of the cost.
  if (absl::Status status = connection.Execute("SET plan_cache_mode = force_generic_plan"); !status.ok()) {
    return status;
  }
  return connection;
}

absl::Status PostgresConnection::Execute(const std::string& statements) const {
  const ResultPtr result(PQexec(get(), statements.c_str()));
  return HasWorked(result.get()) ? absl::OkStatus() : absl::InternalError(PQerrorMessage(get()));
}

absl::Status PostgresConnection::Prepare(const std::string& statement) const {
  if (absl::Status status = Execute("DEALLOCATE ALL"); !status.ok()) return status;
  const ResultPtr result(PQprepare(get(), kStatement, statement.c_str(), 0, nullptr));
  return HasWorked(result.get()) ? absl::OkStatus() : absl::InternalError(PQerrorMessage(get()));
}

absl::Status PostgresConnection::Run(const std::vector<std::string>& parameters, int rows) const {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const ResultPtr result(
      PQexecPrepared(get(), kStatement, static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0));
  if (!HasWorked(result.get())) return absl::InternalError(PQerrorMessage(get()));
  int changed = 0;
  if (PQntuples(result.get()) == rows) return absl::OkStatus();
  if (absl::SimpleAtoi(PQcmdTuples(result.get()), &changed) && changed == rows) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(PQcmdTuples(result.get()), " rows instead of ", rows));
}

}  // namespace signalbox::bench
