#ifndef SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H
#define SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H

#include <exception>
#include <pqxx/pqxx>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "service/postgres/connection_pool.h"
#include "service/postgres/statements.h"

// Exceptions of pqxx stop here and become statuses.

namespace signalbox::service {

/// What an exception thrown by pqxx means: kUnavailable (the connection is gone or the server cannot
/// serve; a write may have happened), kAborted (refused because of others: lock or statement timeout,
/// deadlock; did not happen), kInternal (a defect).
absl::Status StatusOf(const std::exception& error);

/// What a body sends its statements through. They are those of statements.h, by their names.
class Transaction {
 public:
  Transaction(pqxx::transaction_base& raw, const Connection& connection)
      : raw_(raw), is_pooled_(connection.is_pooled), incarnation_(connection.incarnation) {}

  template <typename... Arguments>
  pqxx::result Exec(const char* statement, Arguments&&... arguments) {
    if (is_pooled_) return raw_.exec_params(TextOf(statement), std::forward<Arguments>(arguments)...);
    return raw_.exec_prepared(statement, std::forward<Arguments>(arguments)...);
  }

  /// The same for a statement of exactly one row.
  template <typename... Arguments>
  pqxx::row Exec1(const char* statement, Arguments&&... arguments) {
    return Exec(statement, std::forward<Arguments>(arguments)...).at(0);
  }

  /// For what is no statement of statements.h.
  pqxx::transaction_base& raw() { return raw_; }

  /// As of Connection; every transaction is in a block then.
  bool is_pooled() const { return is_pooled_; }

  /// As of Connection.
  int64_t incarnation() const { return incarnation_; }

 private:
  pqxx::transaction_base& raw_;
  const bool is_pooled_;
  const int64_t incarnation_;
};

namespace internal {

/// Listens for the warning that a commit did not wait for the synchronous standby, because somebody
/// cancelled the statement: it is on this primary, and lost if the standby is promoted now. Postgres
/// calls that a success; it is told from other warnings by its text, in English and what is near to it.
class ReplicationWatch final : public pqxx::errorhandler {
 public:
  explicit ReplicationWatch(pqxx::connection& connection) : pqxx::errorhandler(connection) {}
  bool operator()(const char message[]) noexcept override {
    is_in_doubt_ = is_in_doubt_ || absl::StrContains(message, "synchron");
    return true;
  }
  bool is_in_doubt() const { return is_in_doubt_; }

 private:
  bool is_in_doubt_ = false;
};

}  // namespace internal

/// Runs `body(transaction, epoch)`, which returns a Status or StatusOr, in a transaction of pqxx's kind
/// `RawTransaction`, and commits if it is OK. Throws what pqxx throws.
template <typename RawTransaction, typename Body>
auto RunOn(Connection& connection, const ConnectionOptions& options, Body&& body)
    -> std::invoke_result_t<Body, Transaction&, int64_t> {
  const internal::ReplicationWatch replication(*connection.raw);
  RawTransaction raw(*connection.raw);
  if (connection.is_pooled) {
    // As when a session is opened: a database that became unfit for us is an outage to a caller.
    const absl::Status status = SetUpTransaction(raw, options, connection);
    if (!status.ok()) return absl::UnavailableError(status.message());
  }
  Transaction transaction(raw, connection);
  auto result = body(transaction, connection.epoch);
  // A body that fails leaves nothing behind: the destructor rolls back.
  if (result.ok()) raw.commit();
  if (replication.is_in_doubt()) {
    return absl::UnavailableError("database: committed, but not known to be on the synchronous standby");
  }
  return result;
}

namespace internal {

template <typename RawTransaction, typename Body>
std::invoke_result_t<Body, Transaction&, int64_t> Run(ConnectionPool& pool, Body&& body) {
  absl::StatusOr<ConnectionPool::Lease> lease = pool.Acquire();
  if (!lease.ok()) return lease.status();
  Connection& connection = lease->connection();
  try {
    // Several statements make up one there.
    if (connection.is_pooled) return RunOn<pqxx::work>(connection, pool.options(), body);
    return RunOn<RawTransaction>(connection, pool.options(), body);
  } catch (const std::exception& error) {
    absl::Status status = StatusOf(error);
    if (absl::IsUnavailable(status) || !connection.raw->is_open()) lease->MarkBroken();
    return status;
  }
}

}  // namespace internal

/// RunOn() a session of the pool, in a block. An error after the commit was sent is kUnavailable: it may
/// have happened. So is a commit that was kept from waiting for the synchronous standby.
template <typename Body>
auto InTransaction(ConnectionPool& pool, Body&& body) {
  return internal::Run<pqxx::work>(pool, std::forward<Body>(body));
}

/// The same for a single statement, which is a transaction by itself: one round trip (without a pooler).
template <typename Body>
auto InStatement(ConnectionPool& pool, Body&& body) {
  return internal::Run<pqxx::nontransaction>(pool, std::forward<Body>(body));
}

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H
