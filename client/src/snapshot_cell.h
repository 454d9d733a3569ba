#ifndef SIGNALBOX_SRC_SNAPSHOT_CELL_H
#define SIGNALBOX_SRC_SNAPSHOT_CELL_H

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "retired.h"

namespace signalbox::internal {

/// Holds a shared_ptr that one thread replaces while others read it.
///
/// Load() never waits, makes no system call and allocates nothing, even when the writer is stopped
/// in the middle of Store(). Store() waits only for readers that are just copying a pointer. Store()
/// and FreeUnread() must not overlap. (std::atomic<std::shared_ptr> of libstdc++ spins on a bit that a
/// stopped writer would hold.)
///
/// Values that were replaced are freed by Store() and FreeUnread(), when no reader holds them any more;
/// never by a reader (but see Retired about its limit). When every reader holds one value at a time, no
/// more are kept than there are readers, and one.
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
    Slot& other = Inactive();
    while (other.readers.load() != 0) std::this_thread::yield();
    retired_.Keep(std::exchange(other.value, std::move(value)));
    active_.store(&other - slots_.data());
    FreeUnread();
  }

  void FreeUnread() {
    Slot& other = Inactive();
    // Whoever announces itself from now on sees that the slot is not active, and leaves it alone.
    if (other.readers.load() == 0) retired_.Keep(std::exchange(other.value, nullptr));
    retired_.Free();
  }

 private:
  struct Slot {
    mutable std::atomic<int> readers{0};
    std::shared_ptr<const T> value;
  };

  Slot& Inactive() { return slots_[1 - active_.load()]; }

  std::array<Slot, 2> slots_;
  std::atomic<std::size_t> active_{0};
  Retired<T> retired_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_SNAPSHOT_CELL_H
