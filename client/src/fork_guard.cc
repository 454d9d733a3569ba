#include "fork_guard.h"

#include <pthread.h>

#include <atomic>

namespace signalbox::internal {
namespace {

std::atomic<uint64_t> forks{0};

void CountFork() { forks.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

ForkGuard::ForkGuard() {
  static const int installed = pthread_atfork(nullptr, nullptr, CountFork);
  static_cast<void>(installed);
  generation_ = forks.load(std::memory_order_relaxed);
}

bool ForkGuard::InForkedChild() const { return forks.load(std::memory_order_relaxed) != generation_; }

}  // namespace signalbox::internal
