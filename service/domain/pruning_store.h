#ifndef SIGNALBOX_SERVICE_DOMAIN_PRUNING_STORE_H
#define SIGNALBOX_SERVICE_DOMAIN_PRUNING_STORE_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace signalbox::service {

/// For how long is kept what is over; infinite: for ever.
struct Retention {
  absl::Duration ended_runs = absl::InfiniteDuration();         ///< With everything of them.
  absl::Duration finished_messages = absl::InfiniteDuration();  ///< Of runs that have not ended.
};

/// Active runs that begin with a message whose time is over.
struct DueRuns {
  std::vector<int64_t> run_nos;
  int64_t next = 0;  ///< After which run the next look goes on; 0: the last run was looked at.
};

/// How much is deleted at once: rows, and bytes of values and replies. The first row always is.
struct PruneLimit {
  int rows = 0;
  size_t bytes = 0;
};

/// Takes away what is no longer kept: ended runs, and the finished messages that an active run begins
/// with. The floor of a run is raised in the same transaction, so that whoever is below it is told.
///
/// Thread-safe; calls block, none throws. Any number of processes may prune one database at once. Errors
/// as in MessageLog.
class PruningStore {
 public:
  virtual ~PruningStore() = default;

  /// Runs that ended longer ago than they are kept, the oldest first, at most `limit`.
  virtual absl::StatusOr<std::vector<int64_t>> FindEndedRuns(const Retention& retention, int limit) = 0;

  /// Looks at the next `limit` active runs after run `after`.
  virtual absl::StatusOr<DueRuns> FindDueRuns(const Retention& retention, int64_t after, int limit) = 0;

  /// Deletes a first part of what is no longer kept of one run, and returns how many rows that were; 0:
  /// nothing is due. Of a run that ended long ago that is everything, at last the run itself. kAborted:
  /// somebody else prunes, or holds the run.
  virtual absl::StatusOr<int64_t> Prune(int64_t run_no, const Retention& retention,
                                        const PruneLimit& limit) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_PRUNING_STORE_H
