#ifndef SIGNALBOX_SRC_FORK_GUARD_H
#define SIGNALBOX_SRC_FORK_GUARD_H

#include <cstdint>
#include <memory>
#include <utility>

namespace signalbox::internal {

/// Tells whether this process is the one an object was made in.
///
/// A fork copies the memory but none of the threads: whatever has threads, connections or locks must
/// not be touched in the child. Objects of that kind hold a ForkGuard and ask it first.
/// InForkedChild() reads two integers; it is thread-safe and makes no system call.
class ForkGuard {
 public:
  ForkGuard();
  bool InForkedChild() const;

 private:
  uint64_t generation_;
};

/// Keeps what `owner` points to alive for ever: in a forked child nothing of the parent's may be
/// destroyed.
template <typename T>
void Leak(std::shared_ptr<T> owner) {
  union Forever {
    explicit Forever(std::shared_ptr<T> kept) : owner(std::move(kept)) {}
    ~Forever() {}  // NOLINT(modernize-use-equals-default): that would be deleted.
    std::shared_ptr<T> owner;
  };
  const Forever forever(std::move(owner));
}

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_FORK_GUARD_H
