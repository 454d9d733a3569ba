#include "service/commit/group_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace signalbox::service {
namespace {

void Refuse(PendingWrite& write, const absl::Status& status) {
  if (auto* append = std::get_if<PendingAppend>(&write.what)) {
    append->done({.status = status});
  } else {
    std::get<PendingAck>(write.what).done({.status = status});
  }
}

absl::Status TooLate() { return absl::UnavailableError("the deadline passed before the write began"); }

void Answer(Group& group, const GroupOutcome& outcome) {
  for (size_t i = 0; i < group.appends().size(); ++i) group.appends()[i].done(outcome.appended[i]);
  for (size_t i = 0; i < group.acks().size(); ++i) group.acks()[i].done(outcome.acked[i]);
}

// Somebody else held a lock for too long, or the database gave up on us: the caller may try again.
absl::Status ForCaller(const absl::Status& status) {
  return absl::IsAborted(status) ? absl::UnavailableError(status.message()) : status;
}

void AnswerAll(Group& group, const absl::Status& status) {
  for (PendingAppend& append : group.appends()) append.done({.status = ForCaller(status)});
  for (PendingAck& ack : group.acks()) ack.done({.status = ForCaller(status)});
}

}  // namespace

GroupWriter::GroupWriter(MessageLog& log, Options options, std::function<absl::Time()> now, Metrics& metrics,
                         std::function<void(GroupOutcome&)> on_commit)
    : log_(log),
      options_(options),
      now_(std::move(now)),
      metrics_(metrics),
      on_commit_(std::move(on_commit)) {}

GroupWriter::~GroupWriter() { Stop(); }

void GroupWriter::Start() {
  teller_.Start();
  for (int i = 0; i < options_.commits; ++i) threads_.emplace_back([this] { Run(); });
}

void GroupWriter::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  absl::MutexLock lock(&stop_mu_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  teller_.Stop();
}

void GroupWriter::Append(NewMessage draft, absl::Time deadline, std::function<void(const Appended&)> done) {
  PendingWrite write{PendingAppend{std::move(draft), std::move(done)}, deadline};
  Enqueue({&write, 1});
}

void GroupWriter::AppendMany(std::vector<absl::StatusOr<NewMessage>> drafts, absl::Time deadline,
                             AppendBatch::Done done) {
  std::vector<PendingWrite> writes = AppendBatch::MakeWrites(std::move(drafts), deadline, std::move(done));
  Enqueue(absl::MakeSpan(writes));
}

void GroupWriter::Ack(AckCall call, absl::Time deadline, std::function<void(const Acked&)> done) {
  PendingWrite write{PendingAck{std::move(call), std::move(done)}, deadline};
  Enqueue({&write, 1});
}

// All or none: of the writes of one call none overtakes another.
void GroupWriter::Enqueue(absl::Span<PendingWrite> writes) {
  size_t bytes = 0;
  size_t items = 0;
  for (const PendingWrite& write : writes) {
    bytes += BytesOf(write);
    items += ItemsOf(write);
  }
  absl::Status refusal;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) {
      refusal = absl::UnavailableError("the server is stopping");
    } else if (waiting_.size() + writes.size() > options_.max_waiting ||
               waiting_bytes_ + bytes > options_.max_waiting_bytes) {
      refusal = absl::UnavailableError("the server is overloaded: too many writes are waiting");
    } else {
      std::ranges::move(writes, std::back_inserter(waiting_));
      waiting_bytes_ += bytes;
      waiting_items_ += items;
      metrics_.writes_waiting.Set(static_cast<int64_t>(waiting_.size()));
      return;
    }
  }
  for (PendingWrite& write : writes) Refuse(write, refusal);
}

bool GroupWriter::HasWork() const {
  if (waiting_.empty()) return stopping_;
  return commits_ == 0 || waiting_items_ >= passed_over_ + options_.worthwhile;
}

void GroupWriter::Run() {
  for (;;) {
    Group group(options_.group);
    std::vector<PendingWrite> late;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &GroupWriter::HasWork));
      if (waiting_.empty()) return;
      group = TakeGroup(late);
      if (group.size() > 0) ++commits_;
      committing_.insert(group.runs().begin(), group.runs().end());
    }
    if (!late.empty()) {
      Tell([late = std::move(late)]() mutable {
        for (PendingWrite& write : late) Refuse(write, TooLate());
      });
    }
    if (group.size() == 0) continue;
    const RunSet runs = group.runs();
    Commit(std::move(group));
    Release(runs);
  }
}

void GroupWriter::Release(const RunSet& runs) {
  const absl::MutexLock lock(&mu_);
  for (const size_t run : runs) committing_.erase(run);
  --commits_;
  passed_over_ = 0;
}

// An equal part of what waits for each commit that may begin, as long as the parts are worth one.
size_t GroupWriter::Share() const {
  const size_t parts = std::clamp<size_t>(waiting_items_ / options_.worthwhile, 1,
                                          static_cast<size_t>(options_.commits - commits_));
  return (waiting_items_ + parts - 1) / parts;
}

Group GroupWriter::TakeGroup(std::vector<PendingWrite>& late) {
  Group group(options_.group);
  const size_t share = Share();
  std::deque<PendingWrite> kept;
  size_t must_wait = 0;             // messages of those kept that no commit may take before another is done
  const void* kept_call = nullptr;  // what follows of it must not overtake; it lies together in the queue
  const absl::Time now = now_();
  // Passing over no more than a group's worth keeps a queue of conflicting writes from costing its
  // square.
  while (!waiting_.empty() && !group.IsFull() && kept.size() < options_.group.items) {
    PendingWrite write = std::move(waiting_.front());
    waiting_.pop_front();
    const size_t bytes = BytesOf(write);
    const size_t items = ItemsOf(write);
    if (write.deadline <= now) {
      waiting_bytes_ -= bytes;
      waiting_items_ -= items;
      late.push_back(std::move(write));
    } else if (group.items() >= share && !IsAboutAnyOf(group.runs(), write)) {
      kept.push_back(std::move(write));  // for the next commit, which may begin now
    } else if ((write.call == nullptr || write.call != kept_call) && !IsAboutAnyOf(committing_, write) &&
               group.TryAdd(write)) {
      waiting_bytes_ -= bytes;
      waiting_items_ -= items;
    } else {
      kept_call = write.call;
      must_wait += items;
      kept.push_back(std::move(write));
    }
  }
  // Looking again is of no use before a commit is done; nor is looking further, when these were all that may
  // be passed over.
  passed_over_ = group.size() == 0 && late.empty() ? waiting_items_ : must_wait;
  // What could not go along goes first next time.
  waiting_.insert(waiting_.begin(), std::make_move_iterator(kept.begin()),
                  std::make_move_iterator(kept.end()));
  metrics_.writes_waiting.Set(static_cast<int64_t>(waiting_.size()));
  return group;
}

absl::StatusOr<GroupOutcome> GroupWriter::Apply(Group& group) {
  std::vector<const NewMessage*> drafts;
  std::vector<const AckCall*> calls;
  for (const PendingAppend& append : group.appends()) drafts.push_back(&append.draft);
  for (const PendingAck& ack : group.acks()) calls.push_back(&ack.call);
  const absl::Time begin = now_();
  absl::StatusOr<GroupOutcome> outcome = log_.ApplyGroup(drafts, calls);
  if (!outcome.ok()) return outcome;
  metrics_.commit_seconds.Observe(absl::ToDoubleSeconds(now_() - begin));
  metrics_.commit_group_size.Observe(static_cast<double>(group.size()));
  return outcome;
}

// One at a time, and what is about one run in the order of the calls. Handing over to another thread pays
// only when this one has a commit to make meanwhile; a single publish is answered sooner without.
void GroupWriter::Tell(std::function<void()> news) {
  bool is_idle = untold_.fetch_add(1) == 0;
  if (is_idle) {
    const absl::MutexLock lock(&mu_);
    is_idle = waiting_.empty();
  }
  auto tell = [this, news = std::move(news)] {
    const absl::MutexLock lock(&tell_mu_);
    news();
    untold_.fetch_sub(1);
  };
  if (is_idle) return tell();
  // It takes everything: it has no bound, and stops after these threads.
  static_cast<void>(teller_.Submit(std::move(tell)));
}

// `commits`: the group's own, which holds all answers, and those that were needed besides.
void GroupWriter::TellOutcome(Group group, std::vector<GroupOutcome> commits) {
  struct News {
    Group group;
    std::vector<GroupOutcome> commits;
  };
  Tell([this, news = std::make_shared<News>(std::move(group), std::move(commits))] {
    for (GroupOutcome& commit : news->commits) on_commit_(commit);
    Answer(news->group, news->commits.front());
  });
}

void GroupWriter::Commit(Group group) {
  absl::StatusOr<GroupOutcome> outcome = Apply(group);
  if (!outcome.ok()) {
    // A lock that one run's holder does not give back, or a defect that one write brings out, must
    // not fail the others. In doubt, though, trying again is for the callers to decide.
    if (group.size() > 1 && !absl::IsUnavailable(outcome.status())) return CommitAlone(group);
    return Tell(
        [group = std::move(group), status = outcome.status()]() mutable { AnswerAll(group, status); });
  }
  std::vector<GroupOutcome> commits;
  for (size_t i = 0; i < group.appends().size(); ++i) {
    Appended& appended = outcome->appended[i];
    if (!absl::IsAborted(appended.status)) continue;
    Group alone(options_.group);
    PendingWrite write{PendingAppend{std::move(group.appends()[i].draft), nullptr}, absl::InfiniteFuture()};
    alone.TryAdd(write);
    absl::StatusOr<GroupOutcome> again = Apply(alone);
    appended =
        again.ok() ? std::move(again->appended.front()) : Appended{.status = ForCaller(again.status())};
    if (again.ok()) commits.push_back(*std::move(again));
  }
  commits.insert(commits.begin(), *std::move(outcome));
  TellOutcome(std::move(group), std::move(commits));
}

void GroupWriter::CommitAlone(Group& group) {
  std::vector<PendingWrite> writes;
  for (PendingAppend& append : group.appends()) {
    const absl::Time deadline = append.deadline;
    writes.push_back({std::move(append), deadline});
  }
  for (PendingAck& ack : group.acks()) {
    const absl::Time deadline = ack.deadline;
    writes.push_back({std::move(ack), deadline});
  }
  for (PendingWrite& write : writes) {
    // Each attempt may wait for a lock; those behind must not wait for all of them.
    if (write.deadline <= now_()) {
      Tell([write = std::move(write)]() mutable { Refuse(write, TooLate()); });
      continue;
    }
    Group alone(options_.group);
    alone.TryAdd(write);
    Commit(std::move(alone));
  }
}

}  // namespace signalbox::service
