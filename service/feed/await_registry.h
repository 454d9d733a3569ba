#ifndef SIGNALBOX_SERVICE_FEED_AWAIT_REGISTRY_H
#define SIGNALBOX_SERVICE_FEED_AWAIT_REGISTRY_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "service/domain/executor.h"
#include "service/domain/message_log.h"

namespace signalbox::service {

enum class AwaitUntil { kAcked, kFinished };

/// Calls that wait for a message to be claimed or finished.
///
/// Thread-safe, never blocks: messages are read on `readers`. News only say "look now"; what is
/// looked at is always the log, so whatever is missed costs no more than the time until RecheckAll().
class AwaitRegistry {
 public:
  /// Called once, on any thread, without a lock: the message as it is now that the wait is over, or
  /// kNotFound. Must not block.
  using Done = std::function<void(absl::StatusOr<MessagePtr>)>;
  using Ticket = int64_t;

  AwaitRegistry(MessageLog& log, Executor& readers) : log_(log), readers_(readers) {}

  /// Waits for `id`; looks at once.
  Ticket Await(const MessageId& id, AwaitUntil until, Done done);

  /// Ends a wait whose time is over: `done` is called with the message as it now is, whatever that
  /// is, or with the error of reading it. No effect when the wait is over already.
  void Expire(Ticket ticket);

  /// Forgets a wait without calling `done`, for a caller who has gone.
  void Forget(Ticket ticket);

  // News.
  void OnTouched(absl::Span<const MessageId> ids);
  void OnHint(absl::Span<const int64_t> run_nos);
  void RecheckAll();

  size_t size() const;

  /// Ends every wait, and every one that begins from now on, with `status`.
  void Drain(const absl::Status& status);

 private:
  struct Waiter {
    MessageId id;
    AwaitUntil until = AwaitUntil::kFinished;
    Done done;
    bool is_expired = false;
  };

  void Look(std::vector<MessageId> ids);
  void OnRead(const std::vector<MessageId>& ids, const absl::StatusOr<std::vector<MessagePtr>>& messages);

  MessageLog& log_;
  Executor& readers_;
  mutable absl::Mutex mu_;
  absl::Status drained_ ABSL_GUARDED_BY(mu_);  // OK until Drain()
  Ticket last_ticket_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<Ticket, Waiter> waiters_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<MessageId, absl::flat_hash_set<Ticket>> by_message_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_AWAIT_REGISTRY_H
