#include "service/read/pending_reader.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

// Equal for the same reference; a run has one by its id and one by its rank.
std::string NameOf(const RunRef& run) {
  return run.id.empty() ? absl::StrCat(run.project, "\n", run.rank) : run.id;
}

}  // namespace

void PendingReader::ReadPending(const RunRef& run, const std::string& key, absl::Time deadline,
                                std::function<void(const absl::StatusOr<PendingOfKey>&)> done) {
  Read<PendingOfKey>(
      run, deadline, std::move(done),
      [key](const PendingView& view) { return service::ReadPending(view, key); },
      [this, run, key] { return log_.ReadPending(run, key); });
}

void PendingReader::ListPending(const PendingQuery& query, absl::Time deadline,
                                std::function<void(const absl::StatusOr<PendingPage>&)> done) {
  Read<PendingPage>(
      query.run, deadline, std::move(done),
      [query](const PendingView& view) { return service::ListPending(view, query); },
      [this, query] { return log_.ListPending(query); });
}

template <typename Answer, typename FromView, typename FromLog>
void PendingReader::Read(const RunRef& run, absl::Time deadline,
                         std::function<void(const absl::StatusOr<Answer>&)> done, FromView from_view,
                         FromLog from_log) {
  Enqueue({run, deadline,
           [this, done = std::move(done), from_view = std::move(from_view),
            from_log = std::move(from_log)](const absl::StatusOr<PendingView>& view) {
             if (!view.ok()) return done(view.status());
             if (view->snapshot->is_whole) return done(from_view(*view));
             const absl::Status submitted = executor_.Submit([done, from_log] { done(from_log()); });
             if (!submitted.ok()) done(submitted);
           }});
}

void PendingReader::Enqueue(Waiting waiting) {
  Done refused_one;
  {
    const absl::MutexLock lock(&mu_);
    if (waiting_.size() >= options_.max_waiting) {
      refused_one = std::move(waiting.done);
    } else {
      waiting_.push_back(std::move(waiting));
      if (std::exchange(is_reading_, true)) return;
    }
  }
  if (refused_one) {
    return refused_one(absl::UnavailableError("the server is overloaded: too many reads are waiting"));
  }
  const absl::Status submitted = executor_.Submit([this] { ReadAll(); });
  if (submitted.ok()) return;
  std::deque<Waiting> refused;
  {
    const absl::MutexLock lock(&mu_);
    is_reading_ = false;
    refused.swap(waiting_);
  }
  for (const Waiting& waiting : refused) waiting.done(submitted);
}

void PendingReader::ReadAll() {
  while (true) {
    std::vector<Done> late;
    std::vector<Shared> group = TakeGroup(late);
    for (const Done& done : late) done(absl::UnavailableError("the deadline passed before the read began"));
    if (group.empty() && late.empty()) return;
    if (!group.empty()) ReadGroup(std::move(group));
  }
}

std::vector<PendingReader::Shared> PendingReader::TakeGroup(std::vector<Done>& late) {
  std::vector<Shared> group;
  absl::flat_hash_map<std::string, size_t> places;
  const absl::Time now = now_();
  const absl::MutexLock lock(&mu_);
  while (!waiting_.empty()) {
    Waiting& next = waiting_.front();
    if (next.deadline <= now) {
      late.push_back(std::move(next.done));
    } else {
      const auto [place, is_new] = places.try_emplace(NameOf(next.run), group.size());
      if (is_new && group.size() == options_.group_runs) break;
      if (is_new) group.push_back({{std::move(next.run), cache_.Find(place->first)}, place->first, {}});
      group[place->second].dones.push_back(std::move(next.done));
    }
    waiting_.pop_front();
  }
  is_reading_ = !group.empty() || !late.empty();
  return group;
}

void PendingReader::ReadGroup(std::vector<Shared> group) {
  std::vector<PendingRead> reads;
  reads.reserve(group.size());
  for (Shared& shared : group) reads.push_back(std::move(shared.read));
  const absl::StatusOr<PendingSnapshots> answer = log_.ReadSnapshots(reads, options_.limit);
  const auto view_of = [&answer](size_t place) -> absl::StatusOr<PendingView> {
    if (!answer.ok()) return answer.status();
    const absl::StatusOr<PendingSnapshotPtr>& snapshot = answer->snapshots[place];
    if (!snapshot.ok()) return snapshot.status();
    return PendingView{*snapshot, answer->now};
  };
  for (size_t place = 0; place < group.size(); ++place) {
    const absl::StatusOr<PendingView> view = view_of(place);
    cache_.Put(group[place].name, view.ok() ? view->snapshot : nullptr);
    for (const Done& done : group[place].dones) done(view);
  }
}

}  // namespace signalbox::service
