#ifndef SIGNALBOX_SRC_INBOX_STATE_H
#define SIGNALBOX_SRC_INBOX_STATE_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/time/time.h"
#include "clock.h"
#include "retired.h"
#include "signalbox/message.h"
#include "snapshot_cell.h"

namespace signalbox::internal {

using MessagePtr = std::shared_ptr<const Message>;

/// What is pending in a run, learned from a stream and from refreshes that may overlap.
///
/// A stream vouches for the messages it sent, and for those up to the cursor it was resumed from.
/// When it says that everything up to a sequence has been sent, whatever it does not vouch for up to
/// there is no longer pending and is dropped. A refresh adds what it found, and drops what had been
/// learned before it began and is not in it. So a message is never forgotten while it is pending,
/// and one that is not does not outlive the next proof.
///
/// A message that was taken (see Take()) is not shown again until the server has said that it is no
/// longer pending and the ack is settled, however often it is sent.
///
/// The readers HasPending(), Oldest(), All() and AllAs() may be called by any thread at any time: no
/// lock, and no system call of their own. The first two allocate nothing; the others only the vector
/// that they return, at once in its final size, and nothing when nothing is pending. None of them frees
/// what another thread has allocated. All other methods need outer synchronization.
///
/// What is no longer pending is freed by the methods that are not readers, at the latest by
/// FreeUnread(), when no reader holds it any more; not by who lets go of a MessagePtr. There are two
/// exceptions: more than Retired::kLimit such messages that are held, and those that outlive this.
class InboxState {
 public:
  // Readers.

  bool HasPending() const { return visible_.load(std::memory_order_acquire) > 0; }
  MessagePtr Oldest(std::string_view key) const;
  std::vector<MessagePtr> All() const { return AllAs(std::identity()); }

  /// The same, each as `make(MessagePtr)` returns it.
  template <typename Make>
  auto AllAs(const Make& make) const -> std::vector<std::decay_t<std::invoke_result_t<Make, MessagePtr>>>;

  // The stream.

  /// A stream is opened with cursor(), which may be empty.
  void OnStreamOpening();
  void OnStreamMessage(Message message);
  void OnWithdrawn(const std::string& message_id);
  void OnProgress(const std::string& cursor, int64_t head_sequence, bool synced);

  /// Where the next stream goes on; empty: afresh.
  const std::string& cursor() const { return cursor_; }
  void DropCursor() { cursor_.clear(); }

  // Refreshes, one at a time.

  void OnRefreshStarted();
  void OnRefreshed(std::vector<Message> pending);
  void OnRefreshAbandoned();

  // Acks.

  /// Hides a message from the readers; true when it was visible.
  bool Take(const std::string& message_id);

  /// The last ack of a taken message that was under way is settled, or was given up.
  void OnSettled(const std::string& message_id);

  /// Sequence of the newest message that readers see; 0 when there is none.
  int64_t NewestSequence() const;

  // Expiry, by the server's clock as far as it is known.

  void SetServerTime(absl::Time server_time, Instant now) {
    server_offset_ = server_time - absl::UnixEpoch() - now;
  }
  void Expire(Instant now);
  Instant NextExpiry() const;

  /// Forgets everything.
  void Clear();

  /// Frees what is no longer pending and no reader holds any more; to be called now and then.
  void FreeUnread();

 private:
  struct Entry {
    explicit Entry(Message m) : message(std::move(m)) {}
    bool IsVisible() const { return visible.load(std::memory_order_acquire); }

    const Message message;
    std::atomic<bool> visible{true};  ///< Never again when it once was not.
    bool vouched = false;             ///< By the present stream.
    uint64_t cursor_no = 0;           ///< Number of the last cursor told before it came.
    uint64_t learned_at = 0;          ///< Value of events_ when its being pending was last known.
  };
  using Snapshot = std::vector<std::shared_ptr<Entry>>;
  using Entries = std::map<int64_t, std::shared_ptr<Entry>>;

  /// Keeps the whole entry, so that there is one count of who holds a message.
  static MessagePtr MessageOf(const std::shared_ptr<const Entry>& entry) { return {entry, &entry->message}; }

  Entry& Add(Message message);
  Entries::iterator Remove(Entries::iterator entry);
  Entries::iterator Find(const std::string& message_id);
  void Hide(Entry& entry);
  void Publish();
  Instant ExpiryOf(const Entry& entry) const;

  std::atomic<int64_t> visible_{0};
  SnapshotCell<Snapshot> snapshot_;

  Entries entries_;  // By sequence.
  Retired<Entry> retired_;
  std::unordered_map<std::string, int64_t> sequences_;
  std::unordered_map<std::string, bool> taken_;  // By id; whether the ack is settled.

  std::string cursor_;
  uint64_t cursor_no_ = 0;
  uint64_t events_ = 0;

  bool refreshing_ = false;
  uint64_t refresh_began_ = 0;
  std::unordered_set<std::string> removed_since_refresh_;

  std::optional<absl::Duration> server_offset_;
};

template <typename Make>
auto InboxState::AllAs(const Make& make) const
    -> std::vector<std::decay_t<std::invoke_result_t<Make, MessagePtr>>> {
  std::vector<std::decay_t<std::invoke_result_t<Make, MessagePtr>>> all;
  if (!HasPending()) return all;
  const std::shared_ptr<const Snapshot> snapshot = snapshot_.Load();
  if (snapshot == nullptr) return all;
  const auto is_visible = [](const auto& entry) { return entry->IsVisible(); };
  // Enough, because meanwhile they can only become fewer.
  all.reserve(std::ranges::count_if(*snapshot, is_visible));
  for (const std::shared_ptr<Entry>& entry : *snapshot) {
    if (is_visible(entry)) all.push_back(make(MessageOf(entry)));
  }
  return all;
}

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_INBOX_STATE_H
