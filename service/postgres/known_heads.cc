#include "service/postgres/known_heads.h"

namespace signalbox::service {

Position KnownHeads::Find(int64_t run_no) const {
  const absl::MutexLock lock(&mu_);
  const auto it = heads_.find(run_no);
  return it == heads_.end() ? Position{} : it->second;
}

void KnownHeads::Learn(int64_t run_no, const Position& head) {
  const absl::MutexLock lock(&mu_);
  if (heads_.size() >= most_ && !heads_.contains(run_no)) heads_.clear();
  heads_[run_no] = head;
}

}  // namespace signalbox::service
