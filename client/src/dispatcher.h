#ifndef SIGNALBOX_SRC_DISPATCHER_H
#define SIGNALBOX_SRC_DISPATCHER_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "inbox_shared.h"
#include "signalbox/inbox.h"

namespace signalbox::internal {

/// Runs one handler and says how to ack: kApplied with its reply, kFailed with the text of its error, or
/// without an outcome when that follows. The one place where exceptions of the program's own code are caught.
Ack RunHandler(const Handler& handler, const Message& message, int64_t step);

/// The handlers of an inbox, by key, and their running. Thread-safe.
class Dispatcher {
 public:
  /// Adds or replaces a handler; kInvalidArgument names the field, kResourceExhausted the limit.
  absl::Status Register(KeyDeclaration declaration, Handler handler) ABSL_LOCKS_EXCLUDED(mu_);

  /// Runs at most `at_most` handlers for what is pending, oldest first, on this thread; `on_acked`
  /// after each. Returns how many it ran; 0 at once when another call is under way.
  int Dispatch(int64_t step, int at_most, InboxShared& shared, const std::function<void()>& on_acked);

  /// The right to run handlers, which one thread has at a time; null while another has it.
  using Turn = std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)>;
  Turn TakeTurn();

  /// For a group. Takes what is pending and has a handler here, oldest first, out of the inbox;
  /// FinishHandling() must follow for each.
  std::vector<MessagePtr> TakePending(InboxShared& shared);

  /// For a group. Runs the handler of the message's key; kFailed when there is none.
  Ack RunHandlerOf(const Message& message, int64_t step) const;

  std::vector<KeyDeclaration> Declarations() const;

  /// Copies the handlers of `other`; takes no lock, so it may be used in a forked child.
  void CopyFrom(const Dispatcher& other);

 private:
  struct Registered {
    KeyDeclaration declaration;
    Handler handler;
  };
  using Table = std::map<std::string, std::shared_ptr<const Registered>, std::less<>>;

  std::shared_ptr<const Registered> Find(const std::string& key) const;
  int DispatchPending(int64_t step, int at_most, InboxShared& shared, const std::function<void()>& on_acked);

  std::atomic<bool> dispatching_{false};

  // Tables are never changed and are kept until the end, so that reading one takes no lock. There are
  // as many as handlers were registered.
  std::atomic<const Table*> table_{nullptr};
  absl::Mutex mu_;
  std::vector<std::unique_ptr<const Table>> tables_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_DISPATCHER_H
