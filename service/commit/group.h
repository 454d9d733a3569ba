#ifndef SIGNALBOX_SERVICE_COMMIT_GROUP_H
#define SIGNALBOX_SERVICE_COMMIT_GROUP_H

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "service/domain/message.h"
#include "service/domain/message_log.h"

namespace signalbox::service {

/// One publish or ack that waits to be committed, and where its outcome goes. Called exactly once.
struct PendingAppend {
  NewMessage draft;
  std::function<void(const Appended&)> done;
  absl::Time deadline = absl::InfiniteFuture();  ///< Set by Group::TryAdd().
};
struct PendingAck {
  AckCall call;
  std::function<void(const Acked&)> done;
  absl::Time deadline = absl::InfiniteFuture();  ///< Set by Group::TryAdd().
};
struct PendingWrite {
  std::variant<PendingAppend, PendingAck> what;
  absl::Time deadline;         ///< Not committed any more after this.
  const void* call = nullptr;  ///< Writes that have the same do not overtake each other.
  /// Its call names runs both by id and by rank, perhaps one in both ways: all of them count as one.
  bool names_both_ways = false;
};

/// Equal for two publishes of which the second is a repeat. The same run may be named by id and by
/// rank; a request id that repeats across the two names is caught by the unique index, and the group
/// is then tried one by one.
std::string RequestKey(const NewMessage& draft);

/// How many messages a write is about.
size_t ItemsOf(const PendingWrite& write);

/// How many bytes of user data a write carries.
size_t BytesOf(const PendingWrite& write);

/// Runs by a hash of the name or number that a write has for them. A run that is named in several ways has
/// several, and two may share one: good for what may go beside what, and for nothing else.
using RunSet = absl::flat_hash_set<size_t>;

/// Whether a write is about one of `runs`.
bool IsAboutAnyOf(const RunSet& runs, const PendingWrite& write);

/// Writes that may be committed together: within bounds, and no two of them about the same request
/// id of a run or the same message, because the database judges all of a group against what was
/// there before it. Pure, not thread-safe.
class Group {
 public:
  struct Limits {
    // 500 rows commit in about 10 ms on two cores; larger groups gain little and delay everybody.
    size_t items = 500;
    size_t bytes = 4 << 20;
  };

  explicit Group(Limits limits) : limits_(limits) {}

  /// Takes `write` if it fits; otherwise leaves it as it was. The first one always fits.
  bool TryAdd(PendingWrite& write);

  bool IsFull() const { return items_ >= limits_.items || bytes_ >= limits_.bytes; }
  std::vector<PendingAppend>& appends() { return appends_; }
  std::vector<PendingAck>& acks() { return acks_; }
  size_t items() const { return items_; }  ///< How many messages its writes are about.
  size_t size() const { return appends_.size() + acks_.size(); }
  const RunSet& runs() const { return runs_; }

 private:
  bool Conflicts(const PendingAppend& append) const;
  bool Conflicts(const PendingAck& ack) const;

  Limits limits_;
  size_t items_ = 0;
  size_t bytes_ = 0;
  std::vector<PendingAppend> appends_;
  std::vector<PendingAck> acks_;
  RunSet runs_;
  absl::flat_hash_set<std::string> request_ids_;
  absl::flat_hash_set<MessageId> message_ids_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_COMMIT_GROUP_H
