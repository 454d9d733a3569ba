#ifndef SIGNALBOX_SERVICE_READ_SNAPSHOT_CACHE_H
#define SIGNALBOX_SERVICE_READ_SNAPSHOT_CACHE_H

#include <cstddef>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "service/domain/message_log.h"

namespace signalbox::service {

/// The last snapshots of the runs that were read most recently, by a name of the run. Bounded by an
/// estimate of the memory they take. Not thread-safe.
class SnapshotCache {
 public:
  explicit SnapshotCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null when there is none.
  PendingSnapshotPtr Find(const std::string& name);

  /// Replaces what was there. A null snapshot removes it.
  void Put(const std::string& name, PendingSnapshotPtr snapshot);

  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string name;
    PendingSnapshotPtr snapshot;
    size_t bytes;
  };
  using Entries = std::list<Entry>;

  void Remove(Entries::iterator entry);

  const size_t max_bytes_;
  size_t bytes_ = 0;
  Entries entries_;  // the most recently used first
  absl::flat_hash_map<std::string, Entries::iterator> places_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_READ_SNAPSHOT_CACHE_H
