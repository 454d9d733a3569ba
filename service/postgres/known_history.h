#ifndef SIGNALBOX_SERVICE_POSTGRES_KNOWN_HISTORY_H
#define SIGNALBOX_SERVICE_POSTGRES_KNOWN_HISTORY_H

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace signalbox::service {

/// The newest history of the database that this process has seen, shared by all its sessions.
///
/// A primary that was lost and comes back after its standby was promoted still accepts writes, but its
/// history ended with the promotion: a session on it is refused, and one that is still open counts as
/// stale. Known to this process only; after a restart it believes what it finds first. Thread-safe.
class KnownHistory {
 public:
  /// Takes note of what a new session found; returns the generation it belongs to. kUnavailable: a
  /// newer timeline of this cluster (its system identifier) was seen before.
  absl::StatusOr<int64_t> Enter(const std::string& cluster, int64_t timeline) {
    absl::MutexLock lock(&mu_);
    if (cluster == cluster_ && timeline < timeline_) {
      return absl::UnavailableError(absl::StrCat(
          "the database that answers is on timeline ", timeline, " although timeline ", timeline_,
          " was seen: it is a primary of the past; stop it, or restart signalboxd if it was restored"));
    }
    if (cluster != cluster_ || timeline != timeline_) ++generation_;
    cluster_ = cluster;
    timeline_ = timeline;
    return generation_;
  }

  /// Sessions of an earlier generation show a history that is over.
  int64_t generation() const {
    absl::MutexLock lock(&mu_);
    return generation_;
  }

 private:
  mutable absl::Mutex mu_;
  std::string cluster_ ABSL_GUARDED_BY(mu_);
  int64_t timeline_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_KNOWN_HISTORY_H
