#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTGRES_PRUNING_STORE_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTGRES_PRUNING_STORE_H

#include <vector>

#include "service/domain/pruning_store.h"
#include "service/postgres/connection_pool.h"

namespace signalbox::service {

/// Pruning on Postgres; ages are judged by its clock.
class PostgresPruningStore final : public PruningStore {
 public:
  explicit PostgresPruningStore(ConnectionPool& pool) : pool_(pool) {}

  absl::StatusOr<std::vector<int64_t>> FindEndedRuns(const Retention& retention, int limit) override;
  absl::StatusOr<DueRuns> FindDueRuns(const Retention& retention, int64_t after, int limit) override;
  absl::StatusOr<int64_t> Prune(int64_t run_no, const Retention& retention, const PruneLimit& limit) override;

 private:
  ConnectionPool& pool_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTGRES_PRUNING_STORE_H
