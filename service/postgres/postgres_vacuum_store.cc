#include "service/postgres/postgres_vacuum_store.h"

#include <sys/socket.h>
#include <unistd.h>

#include <pqxx/pqxx>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/postgres/statements.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {
namespace {

ConnectionOptions ForVacuum(ConnectionOptions options) {
  options.statement_timeout = absl::ZeroDuration();  // none
  // Who waits for a second makes an autovacuum give way.
  options.lock_timeout = absl::Milliseconds(100);
  return options;
}

// What Postgres warns of: to vacuum a table that is not ours is no error to it, it is just not done.
class Warnings final : public pqxx::errorhandler {
 public:
  explicit Warnings(pqxx::connection_base& connection) : pqxx::errorhandler(connection) {}
  bool operator()(const char message[]) noexcept override {
    absl::StrAppend(&text_, message);
    return true;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

// Lets Stop() end a session while another thread waits in it. By a descriptor of its own, because libpq
// closes that of the session when it likes.
class PostgresVacuumStore::StoppableSession {
 public:
  StoppableSession(PostgresVacuumStore& store, int socket) : store_(store) {
    absl::MutexLock lock(&store_.mu_);
    store_.socket_ = dup(socket);
    if (store_.is_stopped_) shutdown(store_.socket_, SHUT_RDWR);
  }
  ~StoppableSession() {
    absl::MutexLock lock(&store_.mu_);
    close(std::exchange(store_.socket_, -1));
  }
  StoppableSession(const StoppableSession&) = delete;
  StoppableSession& operator=(const StoppableSession&) = delete;

 private:
  PostgresVacuumStore& store_;
};

PostgresVacuumStore::PostgresVacuumStore(ConnectionPool& pool, ConnectionOptions session)
    : pool_(pool), session_options_(ForVacuum(std::move(session))) {}

absl::StatusOr<std::vector<OverdueTable>> PostgresVacuumStore::FindOverdueTables() {
  return InStatement(pool_,
                     [](Transaction& transaction, int64_t) -> absl::StatusOr<std::vector<OverdueTable>> {
                       std::vector<OverdueTable> tables;
                       for (const pqxx::row& row : transaction.Exec(sql::kFindOverdueTables)) {
                         tables.push_back({.name = row[0].as<std::string>(),
                                           .dead_rows = row[1].as<int64_t>(),
                                           .vacuums = row[2].as<int64_t>(),
                                           .round = absl::Seconds(row[3].as<double>())});
                       }
                       return tables;
                     });
}

absl::Status PostgresVacuumStore::Vacuum(const OverdueTable& table) {
  ConnectionPool pool(session_options_, 1);
  return InStatement(pool, [&](Transaction& transaction, int64_t) -> absl::Status {
    if (transaction.is_pooled()) {
      return absl::FailedPreconditionError("through a pooler it could be neither paced nor stopped");
    }
    pqxx::transaction_base& raw = transaction.raw();
    const StoppableSession session(*this, raw.conn().sock());
    raw.exec(sql::kSetPaceOfVacuum);
    const Warnings warnings(raw.conn());
    raw.exec(absl::StrCat(sql::kVacuum, table.name));
    if (!warnings.text().empty()) return absl::FailedPreconditionError(warnings.text());
    return absl::OkStatus();
  });
}

void PostgresVacuumStore::Stop() {
  absl::MutexLock lock(&mu_);
  is_stopped_ = true;
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

}  // namespace signalbox::service
