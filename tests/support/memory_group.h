#ifndef SIGNALBOX_TESTS_SUPPORT_MEMORY_GROUP_H
#define SIGNALBOX_TESTS_SUPPORT_MEMORY_GROUP_H

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "signalbox/group.h"

namespace signalbox {

/// The network of a group whose processes are threads of the test. Strict: a broadcast ends when all
/// have come to it, and when one has not within `limit` it fails for all, like every later one.
class MemoryNetwork {
 public:
  explicit MemoryNetwork(int processes, absl::Duration limit = absl::Seconds(10))
      : processes(processes), limit_(limit) {}

  const int processes;

  /// `place`: how many broadcasts this process has been in before.
  absl::Status Broadcast(std::size_t place, bool is_root, int root, void* data, std::size_t size) {
    const absl::MutexLock lock(&mu_);
    if (place == meetings_.size()) meetings_.push_back({root, size, "", 0, false});
    Meeting& meeting = meetings_[place];
    if (meeting.root != root || meeting.size != size) meeting.is_mixed = true;
    if (is_root) meeting.bytes.assign(static_cast<const char*>(data), size);
    ++meeting.present;
    const auto is_over = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return meeting.present == processes || is_broken_;
    };
    if (!mu_.AwaitWithTimeout(absl::Condition(&is_over), limit_)) is_broken_ = true;
    if (meeting.present < processes) return absl::DeadlineExceededError("a process did not come");
    if (meeting.is_mixed) return absl::InternalError(absl::StrCat("broadcast ", place, " is another one"));
    meeting.bytes.copy(static_cast<char*>(data), size);
    return absl::OkStatus();
  }

  /// Of all broadcasts so far.
  std::vector<std::size_t> Sizes() {
    const absl::MutexLock lock(&mu_);
    std::vector<std::size_t> sizes;
    for (const Meeting& meeting : meetings_) sizes.push_back(meeting.size);
    return sizes;
  }

 private:
  struct Meeting {
    int root;
    std::size_t size;
    std::string bytes;
    int present;
    bool is_mixed;
  };

  const absl::Duration limit_;
  absl::Mutex mu_;
  std::deque<Meeting> meetings_ ABSL_GUARDED_BY(mu_);
  bool is_broken_ ABSL_GUARDED_BY(mu_) = false;
};

/// One process of it. Belongs to one thread at a time.
class MemoryGroup final : public Group {
 public:
  MemoryGroup(MemoryNetwork& network, int rank) : network_(network), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return network_.processes; }

  absl::Status Broadcast(void* data, std::size_t size, int root) override {
    return network_.Broadcast(place_++, root == rank_, root, data, size);
  }

 private:
  MemoryNetwork& network_;
  const int rank_;
  std::size_t place_ = 0;
};

}  // namespace signalbox

#endif  // SIGNALBOX_TESTS_SUPPORT_MEMORY_GROUP_H
