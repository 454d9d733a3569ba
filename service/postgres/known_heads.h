#ifndef SIGNALBOX_SERVICE_POSTGRES_KNOWN_HEADS_H
#define SIGNALBOX_SERVICE_POSTGRES_KNOWN_HEADS_H

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "service/domain/token.h"

namespace signalbox::service {

/// Where runs were, by their numbers, when a group of this process last changed them, so that the database
/// need not look for their newest entries among all. Never believed: other replicas write too, and a restore
/// goes back. Bounded: forgets everything when it is full. Thread-safe.
class KnownHeads {
 public:
  explicit KnownHeads(size_t most = 1 << 16) : most_(most) {}

  /// Nothing was before 0, which is also what is said of a run that is not known.
  Position Find(int64_t run_no) const;
  void Learn(int64_t run_no, const Position& head);

 private:
  const size_t most_;
  mutable absl::Mutex mu_;
  absl::flat_hash_map<int64_t, Position> heads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_KNOWN_HEADS_H
