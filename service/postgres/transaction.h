#ifndef SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H
#define SIGNALBOX_SERVICE_POSTGRES_TRANSACTION_H

#include <exception>
#include <pqxx/pqxx>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/postgres/connection_pool.h"

// Exceptions of pqxx stop here and become statuses.

namespace signalbox::service {

/// What an exception thrown by pqxx means: kUnavailable (the connection is gone or the server cannot
/// serve; a write may have happened), kAborted (refused because of others: lock or statement timeout,
/// deadlock; did not happen), kInternal (a defect).
absl::Status StatusOf(const std::exception& error);

namespace internal {

template <typename Transaction, typename Body>
std::invoke_result_t<Body, Transaction&, int64_t> Run(ConnectionPool& pool, Body&& body) {
  absl::StatusOr<ConnectionPool::Lease> lease = pool.Acquire();
  if (!lease.ok()) return lease.status();
  try {
    Transaction transaction(lease->connection());
    auto result = body(transaction, lease->epoch());
    // A body that fails leaves nothing behind: the destructor rolls back.
    if (result.ok()) transaction.commit();
    return result;
  } catch (const std::exception& error) {
    absl::Status status = StatusOf(error);
    if (absl::IsUnavailable(status) || !lease->connection().is_open()) lease->MarkBroken();
    return status;
  }
}

}  // namespace internal

/// Runs `body(transaction, epoch)`, which returns a Status or StatusOr, and commits if it is OK.
/// An error after the commit was sent is kUnavailable: it may have happened.
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
