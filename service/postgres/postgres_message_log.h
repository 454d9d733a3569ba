#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTGRES_MESSAGE_LOG_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTGRES_MESSAGE_LOG_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "service/domain/message_log.h"
#include "service/postgres/connection_pool.h"
#include "service/postgres/known_heads.h"
#include "service/postgres/run_numbers.h"

namespace signalbox::service {

/// The message log on PostgreSQL. Groups are written over `writer`, everything else over `readers`; each
/// must have a connection for every thread that calls.
class PostgresMessageLog final : public MessageLog {
 public:
  /// `make_nonce` returns 0 .. MessageId::kMaxNonce, unpredictable; thread-safe.
  PostgresMessageLog(ConnectionPool& writer, ConnectionPool& readers, int64_t max_pending,
                     std::function<int64_t()> make_nonce)
      : writer_(writer), readers_(readers), max_pending_(max_pending), make_nonce_(std::move(make_nonce)) {}

  absl::StatusOr<GroupOutcome> ApplyGroup(absl::Span<const NewMessage* const> publishes,
                                          absl::Span<const AckCall* const> acks) override;
  absl::StatusOr<Cancelled> Cancel(const MessageId& id, const std::string& reason) override;
  absl::StatusOr<std::vector<int64_t>> Expire(int limit) override;
  absl::StatusOr<RunInfo> FindRun(const RunRef& run) override;
  absl::StatusOr<PendingSnapshots> ReadSnapshots(absl::Span<const PendingRead> reads,
                                                 const ReadLimit& limit) override;
  absl::StatusOr<PendingOfKey> ReadPending(const RunRef& run, const std::string& key) override;
  absl::StatusOr<PendingPage> ListPending(const PendingQuery& query) override;
  absl::StatusOr<HistoryPage> ListHistory(const HistoryQuery& query) override;
  absl::StatusOr<std::vector<MessagePtr>> ReadMessages(const std::vector<MessageId>& ids) override;
  absl::StatusOr<RunChanges> ReadChanges(const Cursor& from, const ReadLimit& limit) override;
  absl::StatusOr<std::vector<RunHead>> ReadHeads(const std::vector<int64_t>& run_nos) override;

 private:
  ConnectionPool& writer_;
  ConnectionPool& readers_;
  const int64_t max_pending_;
  const std::function<int64_t()> make_nonce_;
  RunNumbers numbers_;
  KnownHeads heads_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTGRES_MESSAGE_LOG_H
