#include "service/read/pending_view.h"

#include <algorithm>

namespace signalbox::service {
namespace {

bool IsSelected(const Message& message, const PendingQuery& query, absl::Time now) {
  return message.expire_time > now && message.id.sequence > query.after &&
         (query.up_to == 0 || message.id.sequence <= query.up_to) &&
         (query.keys.empty() || std::ranges::find(query.keys, message.key) != query.keys.end());
}

}  // namespace

PendingOfKey ReadPending(const PendingView& view, const std::string& key) {
  PendingOfKey pending;
  for (const MessagePtr& message : view.snapshot->messages) {
    if (message->key != key || message->expire_time <= view.now) continue;
    if (pending.oldest == nullptr) pending.oldest = message;
    ++pending.count;
  }
  return pending;
}

PendingPage ListPending(const PendingView& view, const PendingQuery& query) {
  PendingPage page = {.run = view.snapshot->run, .head = view.snapshot->head};
  size_t bytes = 0;
  for (const MessagePtr& message : view.snapshot->messages) {
    if (!IsSelected(*message, query, view.now)) continue;
    const bool is_full =
        page.messages.size() >= static_cast<size_t>(query.limit.rows) || bytes >= query.limit.bytes;
    if (is_full && !page.messages.empty()) {
      page.more = true;
      return page;
    }
    bytes += message->value.size();
    page.messages.push_back(message);
  }
  if (page.messages.size() == view.snapshot->messages.size()) page.all_of = view.snapshot;
  return page;
}

}  // namespace signalbox::service
