#include "inbox_state.h"

#include <algorithm>
#include <utility>

namespace signalbox::internal {

MessagePtr InboxState::Oldest(std::string_view key) const {
  if (!HasPending()) return nullptr;
  const std::shared_ptr<const Snapshot> snapshot = snapshot_.Load();
  if (snapshot == nullptr) return nullptr;
  for (const std::shared_ptr<Entry>& entry : *snapshot) {
    if (entry->message.key == key && entry->IsVisible()) return MessageOf(entry);
  }
  return nullptr;
}

void InboxState::OnStreamOpening() {
  for (auto& [sequence, entry] : entries_) {
    // What came after the cursor will come again, if it is still pending.
    const bool is_covered = !cursor_.empty() && entry->cursor_no < cursor_no_;
    entry->vouched = entry->vouched && is_covered;
  }
}

void InboxState::OnStreamMessage(Message message) {
  ++events_;
  Entry& entry = Add(std::move(message));
  entry.vouched = true;
  entry.cursor_no = cursor_no_;
  entry.learned_at = events_;
  Publish();
}

void InboxState::OnWithdrawn(const std::string& message_id) {
  if (refreshing_) removed_since_refresh_.insert(message_id);
  const auto entry = Find(message_id);
  if (entry == entries_.end()) return;
  Remove(entry);
  Publish();
}

void InboxState::OnProgress(const std::string& cursor, int64_t head_sequence, bool synced) {
  if (!cursor.empty() && cursor != cursor_) {
    cursor_ = cursor;
    ++cursor_no_;
  }
  if (!synced) return;
  const std::size_t before = entries_.size();
  for (auto it = entries_.begin(); it != entries_.end() && it->first <= head_sequence;) {
    it = it->second->vouched ? std::next(it) : Remove(it);
  }
  if (entries_.size() != before) Publish();
}

void InboxState::OnRefreshStarted() {
  refreshing_ = true;
  refresh_began_ = events_;
  removed_since_refresh_.clear();
}

void InboxState::OnRefreshed(std::vector<Message> pending) {
  if (!refreshing_) return;
  std::unordered_set<std::string> found;
  for (Message& message : pending) {
    // The answer may be older than what the stream has said meanwhile.
    if (removed_since_refresh_.count(message.id) != 0) continue;
    found.insert(message.id);
    Entry& entry = Add(std::move(message));
    entry.learned_at = std::max(entry.learned_at, refresh_began_);
  }
  for (auto it = entries_.begin(); it != entries_.end();) {
    const Entry& entry = *it->second;
    const bool is_gone = entry.learned_at <= refresh_began_ && found.count(entry.message.id) == 0;
    it = is_gone ? Remove(it) : std::next(it);
  }
  OnRefreshAbandoned();
  Publish();
}

void InboxState::OnRefreshAbandoned() {
  refreshing_ = false;
  removed_since_refresh_.clear();
}

bool InboxState::Take(const std::string& message_id) {
  taken_[message_id] = false;
  const auto entry = Find(message_id);
  if (entry == entries_.end() || !entry->second->visible) return false;
  Hide(*entry->second);
  return true;
}

void InboxState::OnSettled(const std::string& message_id) {
  const auto taken = taken_.find(message_id);
  if (taken == taken_.end()) return;
  if (sequences_.count(message_id) == 0) {
    taken_.erase(taken);
  } else {
    taken->second = true;
  }
}

int64_t InboxState::NewestSequence() const {
  const auto is_visible = [](const auto& entry) { return entry.second->visible.load(); };
  const auto newest = std::ranges::find_if(entries_.rbegin(), entries_.rend(), is_visible);
  return newest == entries_.rend() ? 0 : newest->first;
}

void InboxState::Expire(Instant now) {
  if (!server_offset_.has_value()) return;
  for (auto& [sequence, entry] : entries_) {
    // Kept until the server says so too, so that it does not show up again when it is sent again.
    if (ExpiryOf(*entry) <= now) Hide(*entry);
  }
}

Instant InboxState::NextExpiry() const {
  Instant next = Never();
  for (const auto& [sequence, entry] : entries_) {
    if (entry->visible) next = std::min(next, ExpiryOf(*entry));
  }
  return next;
}

Instant InboxState::ExpiryOf(const Entry& entry) const {
  const absl::Time expiry = entry.message.expire_time;
  if (expiry == absl::InfiniteFuture() || !server_offset_.has_value()) return Never();
  return expiry - absl::UnixEpoch() - *server_offset_;
}

void InboxState::Clear() {
  for (auto& [sequence, entry] : entries_) {
    Hide(*entry);
    retired_.Keep(std::move(entry));
  }
  entries_.clear();
  sequences_.clear();
  taken_.clear();
  cursor_.clear();
  OnRefreshAbandoned();
  Publish();
}

void InboxState::FreeUnread() {
  snapshot_.FreeUnread();  // First, because snapshots hold entries.
  retired_.Free();
}

InboxState::Entry& InboxState::Add(Message message) {
  if (const auto known = Find(message.id); known != entries_.end()) return *known->second;
  const int64_t sequence = message.sequence;
  // Another message in this place: the server's database was restored to an older state.
  if (const auto other = entries_.find(sequence); other != entries_.end()) Remove(other);
  auto entry = std::make_shared<Entry>(std::move(message));
  const std::string& id = entry->message.id;
  if (taken_.count(id) == 0) {
    visible_.fetch_add(1, std::memory_order_release);
  } else {
    entry->visible = false;
  }
  sequences_[id] = sequence;
  return *entries_.emplace(sequence, std::move(entry)).first->second;
}

InboxState::Entries::iterator InboxState::Remove(Entries::iterator entry) {
  Hide(*entry->second);
  const std::string& id = entry->second->message.id;
  if (refreshing_) removed_since_refresh_.insert(id);
  if (const auto taken = taken_.find(id); taken != taken_.end() && taken->second) taken_.erase(taken);
  sequences_.erase(id);
  retired_.Keep(std::move(entry->second));
  return entries_.erase(entry);
}

InboxState::Entries::iterator InboxState::Find(const std::string& message_id) {
  const auto found = sequences_.find(message_id);
  return found == sequences_.end() ? entries_.end() : entries_.find(found->second);
}

void InboxState::Hide(Entry& entry) {
  if (entry.visible.exchange(false, std::memory_order_acq_rel)) {
    visible_.fetch_sub(1, std::memory_order_release);
  }
}

void InboxState::Publish() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->reserve(entries_.size());
  for (const auto& [sequence, entry] : entries_) {
    if (entry->visible) snapshot->push_back(entry);
  }
  snapshot_.Store(std::move(snapshot));
  retired_.Free();
}

}  // namespace signalbox::internal
