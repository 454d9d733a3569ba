#ifndef SIGNALBOX_TESTS_BENCH_GROUP_STATEMENT_H
#define SIGNALBOX_TESTS_BENCH_GROUP_STATEMENT_H

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace signalbox::bench {

/// A statement that does the least a message service must, for many messages at a time, in a session of its
/// own. Not thread-safe. Two that run at a time may wait for each other.
class GroupStatement {
 public:
  virtual ~GroupStatement() = default;

  /// `run` is below kRuns, `value` is JSON.
  virtual void Add(int64_t run, const std::string& key, const std::string& value) = 0;

  /// Commits what was added; the next group begins empty. kOutOfRange: there is nothing left to do.
  virtual absl::Status Commit() = 0;
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_GROUP_STATEMENT_H
