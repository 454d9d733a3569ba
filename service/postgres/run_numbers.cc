#include "service/postgres/run_numbers.h"

namespace signalbox::service {

std::optional<int64_t> RunNumbers::Find(const std::string& id) const {
  const absl::MutexLock lock(&mu_);
  const auto it = numbers_.find(id);
  if (it == numbers_.end()) return std::nullopt;
  return it->second;
}

void RunNumbers::Learn(const std::string& id, int64_t run_no) {
  const absl::MutexLock lock(&mu_);
  if (numbers_.size() >= most_ && !numbers_.contains(id)) numbers_.clear();
  numbers_[id] = run_no;
}

}  // namespace signalbox::service
