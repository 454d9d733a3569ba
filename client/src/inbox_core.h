#ifndef SIGNALBOX_SRC_INBOX_CORE_H
#define SIGNALBOX_SRC_INBOX_CORE_H

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clock.h"
#include "dispatcher.h"
#include "fork_guard.h"
#include "inbox_shared.h"
#include "inbox_wire.h"
#include "signalbox/group.h"
#include "signalbox/inbox.h"
#include "signalbox/options.h"
#include "sync_loop.h"

namespace signalbox {

/// Everything behind an Inbox: what is shared, the network, and the one background thread.
///
/// Thread-safe. Made by Open() with the thread running; Close() ends it. In a forked child every
/// method but Reopen() and consumer() finds nothing and does nothing, and the object must be leaked:
/// its thread and locks belong to the parent.
class InboxCore {
 public:
  /// Makes the network side; called once per open inbox.
  using WireFactory = std::function<std::unique_ptr<internal::InboxWire>()>;

  /// kResourceExhausted: no thread could be started.
  static absl::StatusOr<std::shared_ptr<InboxCore>> Open(InboxOptions options, WireFactory make_wire,
                                                         internal::Clock& clock);
  ~InboxCore();
  InboxCore(const InboxCore&) = delete;
  InboxCore& operator=(const InboxCore&) = delete;

  bool InForkedChild() const { return guard_.InForkedChild(); }

  internal::MessagePtr Oldest(std::string_view key) const;

  /// `self` is for the acks of what is returned.
  std::vector<ReceivedMessage> All(const std::weak_ptr<InboxCore>& self) const;

  absl::Status Ack(const std::string& message_id, signalbox::Ack ack, internal::AckReceipt receipt);
  absl::Status On(KeyDeclaration declaration, Handler handler);
  int Dispatch(int64_t step, int at_most);
  absl::StatusOr<int> Dispatch(int64_t step, Group& group, int64_t every);

  InboxStatus Status() const;
  bool WaitSynced(absl::Duration timeout);
  bool WaitNewer(int64_t sequence, absl::Duration timeout);
  const std::string& consumer() const { return consumer_; }

  void Close();

  /// A new core with the same options and handlers, for a forked child.
  absl::StatusOr<std::shared_ptr<InboxCore>> Reopen() const;

 private:
  InboxCore(InboxOptions options, WireFactory make_wire, internal::Clock& clock);

  absl::Status Start();
  void Wake();
  void RunThread();
  internal::SyncLoop::Options LoopOptions() const;

  const InboxOptions options_;
  const WireFactory make_wire_;
  const std::string consumer_;
  const internal::ForkGuard guard_;
  internal::Clock& clock_;

  mutable internal::InboxShared shared_;
  internal::Dispatcher dispatcher_;
  std::optional<int64_t> last_control_point_;  // Belongs to who has the turn to dispatch.
  std::unique_ptr<internal::InboxWire> wire_;  // Null when it does not listen.
  std::thread thread_;

  absl::Mutex join_mu_;  // Held while the thread is joined, at most two seconds.
};

}  // namespace signalbox

#endif  // SIGNALBOX_SRC_INBOX_CORE_H
