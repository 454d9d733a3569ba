#include "service/commit/append_batch.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

namespace signalbox::service {
namespace {

// What a repeat in the same call is told.
Appended OutcomeOfRepeat(const Appended& first, bool is_same) {
  if (is_same || absl::IsNotFound(first.status)) return first;
  return {.status = absl::AlreadyExistsError("request_id is given twice in this call, with other content")};
}

}  // namespace

std::vector<PendingWrite> AppendBatch::MakeWrites(std::vector<absl::StatusOr<NewMessage>> drafts,
                                                  absl::Time deadline, Done done) {
  const std::shared_ptr<AppendBatch> batch(new AppendBatch(drafts.size(), std::move(done)));
  std::vector<PendingWrite> writes;
  writes.reserve(drafts.size());
  struct First {
    size_t place;
    std::string fingerprint;
  };
  absl::flat_hash_map<std::string, First> firsts;
  for (size_t place = 0; place < drafts.size(); ++place) {
    if (!drafts[place].ok()) {
      batch->outcomes_[place].status = drafts[place].status();
      continue;
    }
    NewMessage& draft = *drafts[place];
    if (!draft.request_id.empty()) {
      const auto [it, is_new] = firsts.try_emplace(RequestKey(draft), First{place, draft.fingerprint});
      const First& first = it->second;
      if (!is_new) {
        batch->repeats_.push_back({place, first.place, first.fingerprint == draft.fingerprint});
        continue;
      }
    }
    auto settle = [batch, place](const Appended& outcome) { batch->Settle(place, outcome); };
    writes.push_back({PendingAppend{std::move(draft), std::move(settle)}, deadline, batch.get()});
  }
  batch->unsettled_ = writes.size();
  if (writes.empty()) batch->done_(batch->outcomes_);
  return writes;
}

void AppendBatch::Settle(size_t place, const Appended& outcome) {
  outcomes_[place] = outcome;
  if (--unsettled_ > 0) return;
  for (const Repeat& repeat : repeats_) {
    outcomes_[repeat.place] = OutcomeOfRepeat(outcomes_[repeat.first], repeat.is_same);
  }
  done_(outcomes_);
}

}  // namespace signalbox::service
