#ifndef SIGNALBOX_SERVICE_POSTGRES_KNOWN_HEADS_H
#define SIGNALBOX_SERVICE_POSTGRES_KNOWN_HEADS_H

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "service/domain/token.h"

namespace signalbox::service {

/// Where runs were, by their numbers, when this process last saw them, so that the database need not look for
/// their newest entries among all, or not at all. Other replicas write too: a run may be further by now, but
/// within one incarnation of the database (see Connection) it never goes back. Bounded: forgets everything
/// when it is full. Thread-safe.
class KnownHeads {
 public:
  struct Head {
    Position position;  ///< 0 where nothing is known: nothing was before.

    /// In which incarnation this may be taken for the newest, because nobody else was caught writing to the
    /// run; 0: in none.
    int64_t newest_in = 0;
  };

  explicit KnownHeads(size_t most = 1 << 16) : most_(most) {}

  Head Find(int64_t run_no) const;

  /// A group of ours moved the run. Whoever had moved it to `from`, if it was not known to be there, may do
  /// so again.
  void Commit(int64_t run_no, const Position& from, const Position& to, int64_t incarnation);

  /// The run, if it is a known one, was seen at `position`.
  void See(int64_t run_no, const Position& position, int64_t incarnation);

 private:
  struct Entry {
    Position position;
    bool is_shared = false;  // another replica was caught writing
  };

  const size_t most_;
  mutable absl::Mutex mu_;
  int64_t incarnation_ ABSL_GUARDED_BY(mu_) = 0;  // of all that is known
  absl::flat_hash_map<int64_t, Entry> heads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_KNOWN_HEADS_H
