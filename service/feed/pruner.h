#ifndef SIGNALBOX_SERVICE_FEED_PRUNER_H
#define SIGNALBOX_SERVICE_FEED_PRUNER_H

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/domain/pruning_store.h"

namespace signalbox::service {

/// Takes away what is no longer kept, a bounded part in each round. Run() is called again and again by
/// one thread; it blocks on the database, for about a second at most. What a round leaves over, because
/// there is much or because somebody was in the way, is for the next ones.
class Pruner {
 public:
  Pruner(PruningStore& store, const Retention& retention, std::function<absl::Time()> now)
      : store_(store), retention_(retention), now_(std::move(now)) {}

  void Run();

 private:
  absl::Status PruneEndedRuns();
  absl::Status PruneActiveRuns();
  absl::Status PruneRun(int64_t run_no, absl::Time end);

  PruningStore& store_;
  const Retention retention_;
  const std::function<absl::Time()> now_;
  int64_t after_ = 0;  // the active run that was looked at last
  int64_t pruned_ = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_PRUNER_H
