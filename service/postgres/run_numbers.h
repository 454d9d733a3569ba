#ifndef SIGNALBOX_SERVICE_POSTGRES_RUN_NUMBERS_H
#define SIGNALBOX_SERVICE_POSTGRES_RUN_NUMBERS_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace signalbox::service {

/// Numbers of runs by their ids, as the database told them, so that it need not look them up again.
/// Never believed: who uses one has the database compare the id, which may name another run by now, in
/// the row that it reads anyway. Bounded: forgets everything when it is full. Thread-safe.
class RunNumbers {
 public:
  explicit RunNumbers(size_t most = 1 << 16) : most_(most) {}

  std::optional<int64_t> Find(const std::string& id) const;
  void Learn(const std::string& id, int64_t run_no);

 private:
  const size_t most_;
  mutable absl::Mutex mu_;
  absl::flat_hash_map<std::string, int64_t> numbers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_RUN_NUMBERS_H
