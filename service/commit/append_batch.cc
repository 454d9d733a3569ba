#include "service/commit/append_batch.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace signalbox::service {

std::vector<PendingWrite> AppendBatch::MakeWrites(std::vector<absl::StatusOr<NewMessage>> drafts,
                                                  absl::Time deadline, Done done) {
  const std::shared_ptr<AppendBatch> batch(new AppendBatch(drafts.size(), std::move(done)));
  std::vector<PendingWrite> writes;
  writes.reserve(drafts.size());
  absl::flat_hash_map<std::pair<std::string, std::string>, size_t> firsts;  // by request id and content
  bool by_id = false;
  bool by_rank = false;
  for (size_t place = 0; place < drafts.size(); ++place) {
    if (!drafts[place].ok()) {
      batch->outcomes_[place].status = drafts[place].status();
      continue;
    }
    NewMessage& draft = *drafts[place];
    if (!draft.request_id.empty()) {
      const auto [first, is_new] = firsts.try_emplace({RequestKey(draft), draft.fingerprint}, place);
      if (!is_new) {
        batch->repeats_.push_back({place, first->second});
        continue;
      }
    }
    (draft.run.id.empty() ? by_rank : by_id) = true;
    auto settle = [batch, place](const Appended& outcome) { batch->Settle(place, outcome); };
    writes.push_back({PendingAppend{std::move(draft), std::move(settle)}, deadline, batch.get()});
  }
  for (PendingWrite& write : writes) write.names_both_ways = by_id && by_rank;
  batch->unsettled_ = writes.size();
  if (writes.empty()) batch->done_(batch->outcomes_);
  return writes;
}

void AppendBatch::Settle(size_t place, const Appended& outcome) {
  outcomes_[place] = outcome;
  if (--unsettled_ > 0) return;
  for (const Repeat& repeat : repeats_) outcomes_[repeat.place] = outcomes_[repeat.first];
  done_(outcomes_);
}

}  // namespace signalbox::service
