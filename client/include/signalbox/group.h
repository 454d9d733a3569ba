#ifndef SIGNALBOX_GROUP_H
#define SIGNALBOX_GROUP_H

#include <cstddef>

#include "absl/status/status.h"

namespace signalbox {

/// The processes of one data-parallel job, and the collective by which they talk to each other.
///
/// Implemented by the program on what it trains with: MPI_Bcast, torch.distributed, NCCL, … Only used by
/// Inbox::Dispatch(step, group), on the thread that calls it; the library keeps no reference. It must not
/// throw. How long a collective may wait for a process that does not come is the program's to limit.
class Group {
 public:
  Group() = default;
  virtual ~Group() = default;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// This process: 0 ≤ rank < size. Process 0 is the one that listens to the run.
  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Copies `size` bytes (never 0) at `data` from process `root` to the same place in all the others.
  /// Every process makes the same calls in the same order. An error ends the dispatch.
  virtual absl::Status Broadcast(void* data, std::size_t size, int root) = 0;
};

}  // namespace signalbox

#endif  // SIGNALBOX_GROUP_H
