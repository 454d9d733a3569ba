#include "service/postgres/transaction.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

absl::Status StatusOfSqlState(const std::string& state, const std::string& text) {
  // Connection lost, server stopping or out of resources, a standby that cannot write.
  for (const char* prefix : {"08", "57P", "53", "58", "25006"}) {
    if (absl::StartsWith(state, prefix)) return absl::UnavailableError(absl::StrCat("database: ", text));
  }
  // Serialization failure, deadlock, lock timeout, statement timeout.
  for (const char* code : {"40001", "40P01", "55P03", "57014"}) {
    if (state == code) return absl::AbortedError(absl::StrCat("database: ", text));
  }
  // A prepared statement that is not there, or that is another session's.
  if (state == "26000" || state == "42P05") {
    return absl::UnavailableError(absl::StrCat(
        "database: sessions do not last, although no pooler shows; connect without one: ", text));
  }
  return absl::InternalError(absl::StrCat("database: ", text, " (SQLSTATE ", state, ")"));
}

}  // namespace

absl::Status StatusOf(const std::exception& error) {
  if (dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr ||
      dynamic_cast<const pqxx::in_doubt_error*>(&error) != nullptr) {
    return absl::UnavailableError(absl::StrCat("database: ", error.what()));
  }
  if (const auto* sql_error = dynamic_cast<const pqxx::sql_error*>(&error)) {
    // libpq reports a connection that broke in the middle of a statement without a code.
    if (sql_error->sqlstate().empty())
      return absl::UnavailableError(absl::StrCat("database: ", error.what()));
    return StatusOfSqlState(sql_error->sqlstate(), error.what());
  }
  return absl::InternalError(absl::StrCat("database client: ", error.what()));
}

}  // namespace signalbox::service
