#ifndef SIGNALBOX_SERVICE_FEED_VACUUMER_H
#define SIGNALBOX_SERVICE_FEED_VACUUMER_H

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/domain/vacuum_store.h"

namespace signalbox::service {

/// Vacuums what pruning and acks leave, if nobody else does: a table that has been overdue for three rounds
/// of autovacuum, and three minutes at least, in which no vacuum of it ended. So an autovacuum that works
/// is always first, and a vacuum that could remove nothing is not repeated any sooner.
///
/// Run() is called again and again by one thread, and blocks for as long as a vacuum takes. Each is logged;
/// that one is refused is warned of once.
class Vacuumer {
 public:
  Vacuumer(VacuumStore& store, std::function<absl::Time()> now) : store_(store), now_(std::move(now)) {}

  void Run();

 private:
  struct Wait {
    int64_t vacuums = 0;
    absl::Time begin;
  };

  bool IsDue(const OverdueTable& table);
  void Vacuum(const OverdueTable& table);

  VacuumStore& store_;
  const std::function<absl::Time()> now_;
  absl::Time next_look_ = absl::InfinitePast();
  std::map<std::string, Wait> waits_;  // of tables, by name
  bool is_warned_ = false;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_VACUUMER_H
