#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTGRES_RUN_REGISTRY_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTGRES_RUN_REGISTRY_H

#include <functional>
#include <string>
#include <vector>

#include "service/domain/run_registry.h"
#include "service/postgres/connection_pool.h"

namespace signalbox::service {

/// Runs on PostgreSQL. `pool` must have a connection for every thread that calls.
class PostgresRunRegistry final : public RunRegistry {
 public:
  /// `make_run_id` returns a new random run id; called by many threads.
  PostgresRunRegistry(ConnectionPool& pool, int max_declared_keys, std::function<std::string()> make_run_id)
      : pool_(pool), max_declared_keys_(max_declared_keys), make_run_id_(std::move(make_run_id)) {}

  absl::StatusOr<Run> Create(const NewRun& draft) override;
  absl::StatusOr<Run> Get(const RunRef& run) override;
  absl::StatusOr<RunPage> List(const RunQuery& query) override;
  absl::StatusOr<EndedRun> End(const RunRef& run, RunOutcome outcome) override;
  absl::StatusOr<Run> DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys) override;

 private:
  ConnectionPool& pool_;
  const int max_declared_keys_;
  const std::function<std::string()> make_run_id_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTGRES_RUN_REGISTRY_H
