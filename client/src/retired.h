#ifndef SIGNALBOX_SRC_RETIRED_H
#define SIGNALBOX_SRC_RETIRED_H

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace signalbox::internal {

/// Values that their owner has replaced, kept until no reader holds them: so the owner frees them, on its
/// own thread. A reader that let go of the last reference would free the memory of another thread, and
/// might wait for that thread in the allocator.
///
/// Keep() and Free() need outer synchronization; readers may let go of their references, and copy them,
/// at any time. Nobody may get a reference from elsewhere to a value that is kept. After Free() at most
/// kLimit values are kept: of more, the oldest are let go, and freed by whoever holds them last. So are
/// those that are held when this is destroyed.
template <typename T>
class Retired {
 public:
  /// More than a run has pending messages, unless its server was told otherwise.
  static constexpr std::size_t kLimit = 1024;

  void Keep(std::shared_ptr<const T> value) {
    if (value != nullptr) values_.push_back(std::move(value));
  }

  void Free() {
    std::erase_if(values_, [](const auto& value) { return value.use_count() == 1; });
    if (values_.size() > kLimit) values_.erase(values_.begin(), values_.end() - kLimit);
  }

 private:
  std::vector<std::shared_ptr<const T>> values_;  // In the order in which they were kept.
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_RETIRED_H
