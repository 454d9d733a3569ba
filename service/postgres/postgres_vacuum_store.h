#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTGRES_VACUUM_STORE_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTGRES_VACUUM_STORE_H

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service/domain/vacuum_store.h"
#include "service/postgres/connection_pool.h"

namespace signalbox::service {

/// Vacuuming on Postgres, each time on a session of its own that is made as `session` says, at the pace of
/// autovacuum. A vacuum has a lock of the table that keeps out other vacuums and changes of its definition;
/// so there is one at a time in the database. Space is not given back to the disk: that would lock readers
/// and writers out.
class PostgresVacuumStore final : public VacuumStore {
 public:
  PostgresVacuumStore(ConnectionPool& pool, ConnectionOptions session);

  absl::StatusOr<std::vector<OverdueTable>> FindOverdueTables() override;
  absl::Status Vacuum(const OverdueTable& table) override;

  /// Ends a vacuum that is under way, and refuses others: kUnavailable. For any thread; does not wait.
  /// Postgres notices within a second, before version 14 only when the vacuum is done.
  void Stop();

 private:
  class StoppableSession;

  ConnectionPool& pool_;
  const ConnectionOptions session_options_;
  absl::Mutex mu_;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  int socket_ ABSL_GUARDED_BY(mu_) = -1;  // of the session that vacuums
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTGRES_VACUUM_STORE_H
