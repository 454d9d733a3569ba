#ifndef SIGNALBOX_SERVICE_POSTGRES_CHANGES_BY_RUN_H
#define SIGNALBOX_SERVICE_POSTGRES_CHANGES_BY_RUN_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "service/domain/message_log.h"

namespace signalbox::service {

/// Collects what the items of one statement did, run by run, into `all`, which outlives it.
class ChangesByRun {
 public:
  explicit ChangesByRun(std::vector<RunChanges>& all) : all_(all) {}

  /// Those of a run, which was at `before`.
  RunChanges& Of(int64_t run_no, const Position& before) {
    const auto [it, is_new] = index_.try_emplace(run_no, all_.size());
    if (is_new) {
      all_.push_back({.run_no = run_no, .from = before, .to = before});
    }
    return all_[it->second];
  }

 private:
  std::vector<RunChanges>& all_;
  absl::flat_hash_map<int64_t, size_t> index_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_CHANGES_BY_RUN_H
