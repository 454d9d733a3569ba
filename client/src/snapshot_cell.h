#ifndef SIGNALBOX_SRC_SNAPSHOT_CELL_H
#define SIGNALBOX_SRC_SNAPSHOT_CELL_H

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace signalbox::internal {

/// Holds a shared_ptr that one thread replaces while others read it.
///
/// Load() never waits, makes no system call and allocates nothing, even when the writer is stopped
/// in the middle of Store(). Store() waits only for readers that are just copying a pointer. Store()
/// calls must not overlap. (std::atomic<std::shared_ptr> of libstdc++ spins on a bit that a stopped
/// writer would hold.)
template <typename T>
class SnapshotCell {
 public:
  std::shared_ptr<const T> Load() const {
    while (true) {
      const Slot& slot = slots_[active_.load()];
      slot.readers.fetch_add(1);
      // Seen active after it was announced: the writer cannot have begun to change this slot.
      const bool is_active = &slot == &slots_[active_.load()];
      std::shared_ptr<const T> value = is_active ? slot.value : nullptr;
      slot.readers.fetch_sub(1);
      if (is_active) return value;
    }
  }

  void Store(std::shared_ptr<const T> value) {
    const std::size_t other = 1 - active_.load();
    while (slots_[other].readers.load() != 0) std::this_thread::yield();
    slots_[other].value = std::move(value);
    active_.store(other);
  }

 private:
  struct Slot {
    mutable std::atomic<int> readers{0};
    std::shared_ptr<const T> value;
  };

  std::array<Slot, 2> slots_;
  std::atomic<std::size_t> active_{0};
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_SNAPSHOT_CELL_H
