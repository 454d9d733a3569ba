#include "service/read/snapshot_cache.h"

#include <utility>

namespace signalbox::service {
namespace {

// Of an entry and of a message, besides their texts: about what the structures take, and what else of a
// message is in its wire form.
constexpr size_t kEntryBytes = 400;
constexpr size_t kMessageBytes = 500;

size_t BytesOf(const std::string& name, const PendingSnapshot& snapshot) {
  size_t bytes = kEntryBytes + 2 * name.size();
  for (const MessagePtr& message : snapshot.messages) {
    const size_t texts =
        message->value.size() + message->reason.size() + message->publisher.size() + message->key.size();
    bytes += kMessageBytes + 2 * texts;  // once more in the wire form
  }
  return bytes;
}

}  // namespace

PendingSnapshotPtr SnapshotCache::Find(const std::string& name) {
  const auto place = places_.find(name);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->snapshot;
}

void SnapshotCache::Put(const std::string& name, PendingSnapshotPtr snapshot) {
  const auto place = places_.find(name);
  if (place != places_.end()) {
    if (place->second->snapshot == snapshot) return;
    Remove(place->second);
  }
  if (snapshot == nullptr) return;
  const size_t bytes = BytesOf(name, *snapshot);
  entries_.push_front({name, std::move(snapshot), bytes});
  places_[name] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > max_bytes_) Remove(std::prev(entries_.end()));
}

void SnapshotCache::Remove(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  places_.erase(entry->name);
  entries_.erase(entry);
}

}  // namespace signalbox::service
