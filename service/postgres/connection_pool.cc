#include "service/postgres/connection_pool.h"

#include <libpq-fe.h>

#include <memory>
#include <pqxx/pqxx>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "service/domain/steady_now.h"
#include "service/domain/token.h"
#include "service/postgres/statements.h"

namespace signalbox::service {
namespace {

constexpr absl::Duration kReconnectPause = absl::Milliseconds(200);

struct Parameter {
  const char* name;
  const char* value;
};

// libpq waits for ever by default, and so does a dead network.
constexpr Parameter kParameters[] = {
    {"connect_timeout", "2"},    {"keepalives_idle", "5"},     {"keepalives_interval", "2"},
    {"keepalives_count", "3"},   {"tcp_user_timeout", "5000"}, {"target_session_attrs", "read-write"},
    {"client_encoding", "UTF8"},
};

std::string WithDefaults(std::string url, const std::string& application_name) {
  const bool is_uri = absl::StartsWith(url, "postgres://") || absl::StartsWith(url, "postgresql://");
  const auto add = [&](const std::string& name, const std::string& value) {
    if (absl::StrContains(url, name + "=")) return;
    if (is_uri) {
      absl::StrAppend(&url, absl::StrContains(url, "?") ? "&" : "?", name, "=", value);
    } else {
      absl::StrAppend(&url, " ", name, "=", value);
    }
  };
  for (const Parameter& parameter : kParameters) add(parameter.name, parameter.value);
  add("application_name", application_name);
  return url;
}

// What libpq says of a URL that it cannot read quotes the part it stumbled over, which may be of the
// password: "invalid percent-encoded token", or a "port" where a password holds a '/'.
absl::Status CheckUrl(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree);
  bool is_good = options != nullptr;
  for (const PQconninfoOption* option = options.get(); is_good && option->keyword != nullptr; ++option) {
    if (option->val == nullptr || absl::string_view(option->keyword) != "port") continue;
    is_good = absl::string_view(option->val).find_first_not_of("0123456789,") == absl::string_view::npos;
  }
  if (is_good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the database URL cannot be read; in a URL the special characters of a password are percent-encoded, "
      "in keyword=value they are quoted");
}

std::string Milliseconds(absl::Duration duration) {
  return absl::StrCat(absl::ToInt64Milliseconds(duration));
}

// What every session is set to. `is_local`: for the transaction that is open now, which must be fresh.
void Configure(pqxx::transaction_base& transaction, const ConnectionOptions& options, bool is_local) {
  const char* const end = is_local ? "', true)" : "', false)";
  transaction.exec(absl::StrCat(
      is_local ? "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; " : "",
      "SELECT set_config('statement_timeout', '", Milliseconds(options.statement_timeout), end,
      ", set_config('lock_timeout', '", Milliseconds(options.lock_timeout), end,
      ", set_config('idle_in_transaction_session_timeout', '10000", end,
      ", set_config('default_transaction_isolation', 'read committed", end,
      // Our statements take arrays of any length; planning them anew costs more than it gains.
      ", set_config('plan_cache_mode', 'force_generic_plan", end, ", set_config('jit', 'off", end,
      // All of them find few rows by an index. A plan made while a table is small, or is taken to be, would
      // read all of it, also when it has grown.
      ", set_config('enable_seqscan', 'off", end, ", set_config('enable_hashjoin', 'off", end,
      ", set_config('enable_mergejoin', 'off", end, ", set_config('enable_bitmapscan', 'off", end,
      ", set_config('client_min_messages', 'warning", end));
}

absl::Status CheckFitness(const pqxx::row& row) {
  const auto encoding = row["encoding"].as<std::string>();
  if (encoding != "UTF8") {
    return absl::FailedPreconditionError(
        absl::StrCat("the database's encoding is ", encoding, "; it must be UTF8"));
  }
  if (row["fsync"].as<std::string>() != "on" || row["full_page_writes"].as<std::string>() != "on") {
    return absl::FailedPreconditionError(
        "the database runs with fsync or full_page_writes off; messages would not be durable");
  }
  return absl::OkStatus();
}

// The history the database has now: another cluster, another database in its place, or a promoted
// standby (timeline) makes another epoch. A promise of an old one cannot be kept in a new one.
absl::Status ReadHistory(pqxx::transaction_base& transaction, KnownHistory& history, Connection& connection) {
  const pqxx::row row = transaction.exec1(sql::kReadHistory);
  if (absl::Status fit = CheckFitness(row); !fit.ok()) return fit;
  const auto commit = row["synchronous_commit"].as<std::string>();
  if (commit == "off" || commit == "local") {
    transaction.exec(absl::StrCat("SELECT set_config('synchronous_commit', 'on', ",
                                  connection.is_pooled ? "true" : "false", ")"));
  }
  const auto cluster = row["cluster"].as<std::string>();
  const absl::StatusOr<int64_t> generation = history.Enter(cluster, row["timeline_number"].as<int64_t>());
  if (!generation.ok()) return generation.status();
  connection.generation = *generation;
  const std::string epoch = absl::StrCat(cluster, "/", row["timeline"].c_str(), "/", row["database"].c_str());
  connection.epoch = static_cast<int64_t>(StableHash(epoch) >> 1);
  connection.incarnation =
      static_cast<int64_t>(StableHash(absl::StrCat(epoch, "/", row["start_time"].c_str())) >> 1) | 1;
  return absl::OkStatus();
}

// A pooler gives its own number for the session; the one that answers has another.
bool IsPooled(pqxx::connection& connection) {
  pqxx::nontransaction session(connection);
  return session.exec1("SELECT pg_backend_pid()")[0].as<int>() != connection.backendpid();
}

absl::Status SetUp(Connection& connection, const ConnectionOptions& options) {
  if (connection.is_pooled) {
    pqxx::work transaction(*connection.raw);
    return SetUpTransaction(transaction, options, connection);
  }
  pqxx::nontransaction session(*connection.raw);
  Configure(session, options, false);
  return ReadHistory(session, *options.history, connection);
}

}  // namespace

absl::Status SetUpTransaction(pqxx::transaction_base& transaction, const ConnectionOptions& options,
                              Connection& connection) {
  Configure(transaction, options, true);
  return ReadHistory(transaction, *options.history, connection);
}

absl::StatusOr<Connection> OpenConnection(const ConnectionOptions& options) try {
  const std::string url = WithDefaults(options.url, options.application_name);
  if (absl::Status readable = CheckUrl(url); !readable.ok()) return readable;
  Connection connection;
  connection.raw = std::make_unique<pqxx::connection>(url);
  connection.raw->inhibit_reactivation(true);
  connection.is_pooled = IsPooled(*connection.raw);
  if (absl::Status status = SetUp(connection, options); !status.ok()) return status;
  if (!connection.is_pooled) PrepareStatements(*connection.raw);
  return connection;
} catch (const std::exception& error) {
  return absl::UnavailableError(absl::StrCat("cannot connect to the database: ", error.what()));
}

absl::StatusOr<ConnectionPool::Lease> ConnectionPool::Acquire() {
  std::vector<Connection> stale;  // Closed when the lock is free: saying goodbye may take its time.
  {
    absl::MutexLock lock(&mu_);
    stale = TakeStale();
    if (!idle_.empty()) {
      Connection connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(this, std::move(connection));
    }
    if (open_ >= size_) return absl::InternalError("more threads than database connections");
    if (SteadyNow() < retry_time_) return last_failure_;
    ++open_;
  }
  absl::StatusOr<Connection> connection = OpenConnection(options_);
  if (connection.ok()) return Lease(this, *std::move(connection));
  absl::MutexLock lock(&mu_);
  --open_;
  // A database that became unfit for us is an outage to a caller, not something wrong with the call.
  last_failure_ = absl::UnavailableError(connection.status().message());
  retry_time_ = SteadyNow() + kReconnectPause;
  return last_failure_;
}

// Sessions on a primary of the past may live on beside those on the new one.
std::vector<Connection> ConnectionPool::TakeStale() {
  if (idle_.empty() || idle_.back().generation == options_.history->generation()) return {};
  open_ -= static_cast<int>(idle_.size());
  return std::exchange(idle_, {});
}

void ConnectionPool::Release(Connection connection, bool broken) {
  std::vector<Connection> dropped;  // Closed when the lock is free, as `connection` is.
  absl::MutexLock lock(&mu_);
  if (!broken) {
    idle_.push_back(std::move(connection));
    return;
  }
  // The others were opened to the same server and are most likely dead too; a stale one would
  // only cost its next user a failed call.
  open_ -= 1 + static_cast<int>(idle_.size());
  dropped = std::exchange(idle_, {});
}

}  // namespace signalbox::service
