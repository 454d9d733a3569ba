#include "service/postgres/known_heads.h"

#include <algorithm>

namespace signalbox::service {
namespace {

// Sightings may arrive in another order than they were made.
void Raise(Position& position, const Position& seen) {
  position.sequence = std::max(position.sequence, seen.sequence);
  position.change = std::max(position.change, seen.change);
}

}  // namespace

KnownHeads::Head KnownHeads::Find(int64_t run_no) const {
  const absl::MutexLock lock(&mu_);
  const auto it = heads_.find(run_no);
  if (it == heads_.end()) return {};
  return {it->second.position, it->second.is_shared ? 0 : incarnation_};
}

void KnownHeads::Commit(int64_t run_no, const Position& from, const Position& to, int64_t incarnation) {
  const absl::MutexLock lock(&mu_);
  if (incarnation != incarnation_) heads_.clear();
  incarnation_ = incarnation;
  if (heads_.size() >= most_ && !heads_.contains(run_no)) heads_.clear();
  const auto [it, is_new] = heads_.try_emplace(run_no, Entry{to});
  if (is_new) return;
  Entry& entry = it->second;
  entry.is_shared = entry.is_shared || entry.position.sequence < from.sequence;
  Raise(entry.position, to);
}

void KnownHeads::See(int64_t run_no, const Position& position, int64_t incarnation) {
  const absl::MutexLock lock(&mu_);
  if (incarnation != incarnation_) return;
  const auto it = heads_.find(run_no);
  if (it != heads_.end()) Raise(it->second.position, position);
}

}  // namespace signalbox::service
