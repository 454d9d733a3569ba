#ifndef SIGNALBOX_SERVICE_COMMIT_APPEND_BATCH_H
#define SIGNALBOX_SERVICE_COMMIT_APPEND_BATCH_H

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/commit/group.h"
#include "service/domain/message.h"
#include "service/domain/message_log.h"

namespace signalbox::service {

/// The publishes of one call: collects what becomes of each and tells it when the last is known. Not
/// thread-safe.
class AppendBatch {
 public:
  /// Gets one outcome for each draft, in their order.
  using Done = std::function<void(const std::vector<Appended>&)>;

  /// The writes that `drafts` become, in their order; when there are none, `done` is called at once. A
  /// draft that is refused already keeps its status. What is given twice under one request id makes one
  /// write: two would conflict, and need a group each.
  static std::vector<PendingWrite> MakeWrites(std::vector<absl::StatusOr<NewMessage>> drafts,
                                              absl::Time deadline, Done done);

 private:
  /// A publish that says what an earlier one says, under the same request id.
  struct Repeat {
    size_t place;
    size_t first;
  };

  AppendBatch(size_t size, Done done) : outcomes_(size), done_(std::move(done)) {}

  void Settle(size_t place, const Appended& outcome);

  std::vector<Appended> outcomes_;
  std::vector<Repeat> repeats_;
  size_t unsettled_ = 0;
  const Done done_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_COMMIT_APPEND_BATCH_H
