#ifndef SIGNALBOX_SERVICE_FEED_RUN_FEED_H
#define SIGNALBOX_SERVICE_FEED_RUN_FEED_H

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

#include "service/domain/run_changes.h"

namespace signalbox::service {

/// What this replica knows of one run that has subscribers: where the run is, and the newest changes
/// without a gap between them, so that whoever is up to date is served from memory and all together
/// cost one read. A subscriber that is further behind reads the log by itself. Pure, not thread-safe.
class RunFeed {
 public:
  // What a feed keeps at most; a subscriber behind that reads the log.
  static constexpr size_t kMaxRecords = 64;
  static constexpr size_t kMaxBytes = 256 << 10;

  /// How new changes relate to what is known.
  enum class Fit {
    kNext,     // taken
    kKnown,    // nothing new, dropped
    kGap,      // something before them is missing: read the log from head()
    kUnknown,  // nothing is known yet, taken
  };

  Fit Add(std::shared_ptr<const RunChanges> changes);

  /// Where the run is as far as this replica knows; nothing before the first Add() or Observe().
  const std::optional<Position>& head() const { return head_; }

  /// A subscriber's own read found the run at `position`. Returns false when that is news.
  bool Observe(const Position& position);

  /// The changes that begin at `position`, or null.
  std::shared_ptr<const RunChanges> After(const Position& position) const;

 private:
  std::optional<Position> head_;
  std::deque<std::shared_ptr<const RunChanges>> records_;
  size_t bytes_ = 0;
};

/// Whether everything up to `b` is also up to `a`.
inline bool Covers(const Position& a, const Position& b) {
  return a.sequence >= b.sequence && a.change >= b.change;
}

/// How much memory changes hold, about.
size_t BytesOf(const RunChanges& changes);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_RUN_FEED_H
