#ifndef SIGNALBOX_TESTS_UNIT_CLIENT_MEMORY_GROUP_H
#define SIGNALBOX_TESTS_UNIT_CLIENT_MEMORY_GROUP_H

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "signalbox/group.h"

namespace signalbox::internal {

/// The network of a group whose processes are threads: every broadcast, in the order of their roots.
/// A process that receives what was never sent fails instead of waiting for ever.
class MemoryNetwork {
 public:
  explicit MemoryNetwork(int size) : size(size) {}

  const int size;

  void Send(int root, std::string bytes) {
    const absl::MutexLock lock(&mu_);
    sent_.push_back({root, std::move(bytes)});
  }

  absl::Status Receive(std::size_t place, int root, void* data, std::size_t size) {
    const absl::MutexLock lock(&mu_);
    const auto is_there = [&]()
                              ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return sent_.size() > place || broken_; };
    if (!mu_.AwaitWithTimeout(absl::Condition(&is_there), absl::Seconds(10)) || broken_)
      return absl::DeadlineExceededError("nobody sent");
    if (sent_[place].root != root || sent_[place].bytes.size() != size)
      return absl::InternalError(absl::StrCat("broadcast ", place, " is another one"));
    sent_[place].bytes.copy(static_cast<char*>(data), size);
    return absl::OkStatus();
  }

  void Break() {
    const absl::MutexLock lock(&mu_);
    broken_ = true;
  }

  std::vector<std::size_t> Sizes() {
    const absl::MutexLock lock(&mu_);
    std::vector<std::size_t> sizes;
    for (const Sent& sent : sent_) sizes.push_back(sent.bytes.size());
    return sizes;
  }

 private:
  struct Sent {
    int root;
    std::string bytes;
  };

  absl::Mutex mu_;
  std::vector<Sent> sent_ ABSL_GUARDED_BY(mu_);
  bool broken_ ABSL_GUARDED_BY(mu_) = false;
};

/// One process of it. Belongs to one thread.
class MemoryGroup final : public Group {
 public:
  MemoryGroup(MemoryNetwork& network, int rank) : network_(network), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return network_.size; }

  absl::Status Broadcast(void* data, std::size_t size, int root) override {
    if (root != rank_) return network_.Receive(place_++, root, data, size);
    ++place_;
    network_.Send(root, std::string(static_cast<const char*>(data), size));
    return absl::OkStatus();
  }

 private:
  MemoryNetwork& network_;
  const int rank_;
  std::size_t place_ = 0;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_TESTS_UNIT_CLIENT_MEMORY_GROUP_H
