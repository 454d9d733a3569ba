#ifndef SIGNALBOX_SERVICE_POSTGRES_ROW_READER_H
#define SIGNALBOX_SERVICE_POSTGRES_ROW_READER_H

#include <pqxx/pqxx>
#include <string>

#include "absl/time/time.h"
#include "service/domain/message.h"
#include "service/domain/run.h"

// Rows of our statements as domain values. Columns are found by name, in results of many rows once for
// all of them; a missing one throws, as every mistake of pqxx's caller does.

namespace signalbox::service {

/// Microseconds since the epoch; null is absl::InfiniteFuture().
absl::Time TimeFrom(const pqxx::field& field);

/// The content of a bytea, which may hold any byte.
std::string BytesFrom(const pqxx::field& field);

/// 0 when null.
int64_t IntFrom(const pqxx::field& field);

/// Where a result has the columns of its messages.
struct MessageColumns {
  explicit MessageColumns(const pqxx::result& rows);

  pqxx::row_size_type run_no, sequence, nonce, key, value, kind, state, publisher, reason, create_time,
      expire_time, consumer, ack_time, finish_time, reply, error, step, change;
};

/// A message; its run's id is the caller's to know.
Message MessageFrom(const pqxx::row& row, const MessageColumns& columns, std::string run_id);

Run RunFrom(const pqxx::row& row);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_ROW_READER_H
