#ifndef SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H
#define SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H

#include <exception>
#include <pqxx/pqxx>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "service/postgres/connection_pool.h"

// Exceptions of pqxx stop here and become statuses.

namespace signalbox::service {

/// What an exception thrown by pqxx means: kUnavailable (the connection is gone or the server cannot
/// serve; a write may have happened), kAborted (refused because of others: lock or statement timeout,
/// deadlock; did not happen), kInternal (a defect).
absl::Status StatusOf(const std::exception& error);

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

template <typename Transaction, typename Body>
std::invoke_result_t<Body, Transaction&, int64_t> Run(ConnectionPool& pool, Body&& body) {
  absl::StatusOr<ConnectionPool::Lease> lease = pool.Acquire();
  if (!lease.ok()) return lease.status();
  try {
    const ReplicationWatch replication(lease->connection());
    Transaction transaction(lease->connection());
    auto result = body(transaction, lease->epoch());
    // A body that fails leaves nothing behind: the destructor rolls back.
    if (result.ok()) transaction.commit();
    if (replication.is_in_doubt()) {
      return absl::UnavailableError("database: committed, but not known to be on the synchronous standby");
    }
    return result;
  } catch (const std::exception& error) {
    absl::Status status = StatusOf(error);
    if (absl::IsUnavailable(status) || !lease->connection().is_open()) lease->MarkBroken();
    return status;
  }
}

}  // namespace internal

/// Runs `body(transaction, epoch)`, which returns a Status or StatusOr, and commits if it is OK.
/// An error after the commit was sent is kUnavailable: it may have happened. So is a commit that was
/// kept from waiting for the synchronous standby.
template <typename Body>
auto InTransaction(ConnectionPool& pool, Body&& body) {
  return internal::Run<pqxx::work>(pool, std::forward<Body>(body));
}

/// The same for a single statement, which is a transaction by itself: one round trip.
template <typename Body>
auto InStatement(ConnectionPool& pool, Body&& body) {
  return internal::Run<pqxx::nontransaction>(pool, std::forward<Body>(body));
}

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H
