#include "service/commit/group.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

size_t MarkOf(const RunRef& run) { return absl::HashOf(run.id, run.project, run.rank); }

size_t MarkOf(const MessageId& id) { return absl::HashOf(id.run_no); }

size_t MarkOf(const void* call) { return absl::HashOf(call); }

}  // namespace

std::string RequestKey(const NewMessage& draft) {
  return absl::StrCat(draft.run.id, "\n", draft.run.project, "\n", draft.run.rank, "\n", draft.request_id);
}

size_t ItemsOf(const PendingWrite& write) {
  if (const auto* ack = std::get_if<PendingAck>(&write.what)) return ack->call.ids.size();
  return 1;
}

size_t BytesOf(const PendingWrite& write) {
  if (const auto* append = std::get_if<PendingAppend>(&write.what)) {
    return append->draft.value.size() + append->draft.reason.size() + append->draft.key.size();
  }
  const AckCall& call = std::get<PendingAck>(write.what).call;
  return call.ids.size() * ((call.reply ? call.reply->size() : 0) + call.error.size() + call.consumer.size());
}

bool IsAboutAnyOf(const RunSet& runs, const PendingWrite& write) {
  if (runs.empty()) return false;
  if (write.names_both_ways && runs.contains(MarkOf(write.call))) return true;
  if (const auto* append = std::get_if<PendingAppend>(&write.what)) {
    return runs.contains(MarkOf(append->draft.run));
  }
  return std::ranges::any_of(std::get<PendingAck>(write.what).call.ids,
                             [&](const MessageId& id) { return runs.contains(MarkOf(id)); });
}

bool Group::Conflicts(const PendingAppend& append) const {
  return !append.draft.request_id.empty() && request_ids_.contains(RequestKey(append.draft));
}

bool Group::Conflicts(const PendingAck& ack) const {
  return std::ranges::any_of(ack.call.ids, [&](const MessageId& id) { return message_ids_.contains(id); });
}

bool Group::TryAdd(PendingWrite& write) {
  const size_t items = ItemsOf(write);
  const size_t bytes = BytesOf(write);
  if (size() > 0 && (items_ + items > limits_.items || bytes_ + bytes > limits_.bytes)) return false;
  if (auto* append = std::get_if<PendingAppend>(&write.what)) {
    if (Conflicts(*append)) return false;
    if (!append->draft.request_id.empty()) request_ids_.insert(RequestKey(append->draft));
    runs_.insert(MarkOf(append->draft.run));
    if (write.names_both_ways) runs_.insert(MarkOf(write.call));
    append->deadline = write.deadline;
    appends_.push_back(std::move(*append));
  } else {
    auto& ack = std::get<PendingAck>(write.what);
    if (Conflicts(ack)) return false;
    message_ids_.insert(ack.call.ids.begin(), ack.call.ids.end());
    for (const MessageId& id : ack.call.ids) runs_.insert(MarkOf(id));
    ack.deadline = write.deadline;
    acks_.push_back(std::move(ack));
  }
  items_ += items;
  bytes_ += bytes;
  return true;
}

}  // namespace signalbox::service
