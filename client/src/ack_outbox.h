#ifndef SIGNALBOX_SRC_ACK_OUTBOX_H
#define SIGNALBOX_SRC_ACK_OUTBOX_H

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backoff.h"
#include "clock.h"
#include "one_shot.h"
#include "signalbox/client.h"
#include "signalbox/message.h"

namespace signalbox::internal {

/// Answer to somebody who waits for an ack: whether this process owns the claim.
using AckReceipt = std::shared_ptr<OneShot<absl::StatusOr<bool>>>;

/// Messages that can be acked with one call.
struct AckBatch {
  std::vector<std::string> message_ids;
  Ack ack;
};

/// Acks on their way to the server: sent in order, one call at a time, neighbours that say the same
/// together, and repeated until the server has settled each of them. Bounded: when it is full,
/// nothing more is taken. Pure: it sends nothing itself. Not thread-safe.
///
/// When the server refuses a whole call for good, its messages are sent one by one, and only the one
/// that is refused again is given up.
class AckOutbox {
 public:
  /// What became of one ack; `message_id` has no other ack waiting when `is_last`.
  struct Settled {
    std::string message_id;
    bool is_last = true;
    absl::Status status;  ///< Not OK: given up.
  };

  AckOutbox(std::size_t capacity, Backoff backoff);

  /// For one more, besides `others` that are to be added.
  bool HasRoom(std::size_t others = 0) const {
    return waiting_.size() + sending_.size() + others < capacity_;
  }
  bool IsEmpty() const { return waiting_.empty() && sending_.empty(); }

  /// Needs HasRoom(). `receipt` may be null.
  void Add(std::string message_id, Ack ack, AckReceipt receipt);

  /// When the next call is due; Never() while one is under way or when there is nothing to send.
  Instant NextAttempt() const;

  /// The next call, which is then under way until OnAnswered() or OnFailed(); empty before
  /// NextAttempt().
  std::optional<AckBatch> StartBatch(Instant now);

  std::vector<Settled> OnAnswered(const std::vector<AckResult>& results, Instant now);
  std::vector<Settled> OnFailed(const absl::Status& why, Instant now);

  /// Gives up everything with `why`.
  void Abandon(const absl::Status& why);

 private:
  struct Item {
    std::string message_id;
    Ack ack;
    AckReceipt receipt;
    bool alone = false;  ///< Was in a call that the server refused.
  };

  bool CanShareCall(const Item& a, const Item& b) const;
  Settled Settle(Item& item, absl::StatusOr<bool> claimed);
  void PutBack();

  const std::size_t capacity_;
  Backoff backoff_;
  Instant not_before_ = -Never();
  std::deque<Item> waiting_;
  std::vector<Item> sending_;
  std::unordered_map<std::string, int> acks_of_;  // Number of items by message id.
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_ACK_OUTBOX_H
