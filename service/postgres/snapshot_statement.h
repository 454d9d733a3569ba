#ifndef SIGNALBOX_SERVICE_POSTGRES_SNAPSHOT_STATEMENT_H
#define SIGNALBOX_SERVICE_POSTGRES_SNAPSHOT_STATEMENT_H

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/domain/message_log.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {

/// The statement that reads what is pending in several runs. Run() throws what pqxx throws.
class SnapshotStatement {
 public:
  /// `reads` must outlive it. What is known of another epoch than the session's is not taken for known.
  SnapshotStatement(absl::Span<const PendingRead> reads, int64_t epoch);

  absl::StatusOr<PendingSnapshots> Run(Transaction& transaction, const ReadLimit& limit) const;

 private:
  absl::StatusOr<PendingSnapshotPtr> SnapshotFrom(const pqxx::result& rows, pqxx::result::size_type begin,
                                                  pqxx::result::size_type end, const RunRef& run) const;

  const absl::Span<const PendingRead> reads_;
  const int64_t epoch_;
  std::string ids_, projects_, ranks_, known_runs_, known_sequences_, known_changes_, known_marks_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_SNAPSHOT_STATEMENT_H
