#ifndef SIGNALBOX_SERVICE_DOMAIN_VACUUM_STORE_H
#define SIGNALBOX_SERVICE_DOMAIN_VACUUM_STORE_H

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace signalbox::service {

/// A table in which more than twice as many rows are dead as autovacuum lets stand.
struct OverdueTable {
  std::string name;  ///< As Vacuum() takes it.
  int64_t dead_rows = 0;
  int64_t vacuums = 0;        ///< How often it was vacuumed until now, by whomever.
  absl::Duration round = {};  ///< Autovacuum comes by once in so long, if it comes.
};

/// Knows what is dead in our tables, and makes its space usable again.
///
/// For one thread; calls block, none throws. Errors as in MessageLog.
class VacuumStore {
 public:
  virtual ~VacuumStore() = default;

  virtual absl::StatusOr<std::vector<OverdueTable>> FindOverdueTables() = 0;

  /// Blocks for as long as it takes; nobody who reads or writes does. OK also when an old snapshot kept
  /// everything from being removed. kAborted: somebody else vacuums it, or changes its definition.
  /// kFailedPrecondition: not done as it should be, most likely for want of rights; the text says why.
  virtual absl::Status Vacuum(const OverdueTable& table) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_VACUUM_STORE_H
