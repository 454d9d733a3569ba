#include "tests/support/fake_message_log.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

constexpr ReadLimit kEverything = {.rows = 1 << 30, .bytes = size_t{1} << 40};

template <typename Container, typename Value>
bool IsWanted(const Container& wanted, const Value& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

// Adds to a page until it is full; the first always fits. Returns whether there was room.
bool AddToPage(MessagePtr message, const ReadLimit& limit, size_t& bytes, std::vector<MessagePtr>& page) {
  if (page.size() == static_cast<size_t>(limit.rows) || (!page.empty() && bytes >= limit.bytes)) return false;
  bytes += message->value.size() + (message->reply ? message->reply->size() : 0);
  page.push_back(std::move(message));
  return true;
}

}  // namespace

int64_t FakeMessageLog::AddRun(const std::string& id, const std::string& project, int64_t rank) {
  absl::MutexLock lock(&mu_);
  const int64_t run_no = ++last_run_no_;
  runs_[run_no] = {.id = id, .project = project, .rank = rank};
  return run_no;
}

void FakeMessageLog::EndRun(int64_t run_no, RunOutcome outcome) {
  absl::MutexLock lock(&mu_);
  StoredRun& run = runs_[run_no];
  if (run.ended) return;
  for (Message& message : run.messages) {
    if (message.state != MessageState::kPending) continue;
    const bool expired = message.expire_time <= now_();
    Withdraw(run, message, expired ? MessageState::kExpired : MessageState::kUndelivered,
             std::min(now_(), message.expire_time));
  }
  run.ended = outcome;
  run.end_time = now_();
}

int64_t FakeMessageLog::epoch() const {
  absl::MutexLock lock(&mu_);
  return epoch_;
}

void FakeMessageLog::SetEpoch(int64_t epoch) {
  absl::MutexLock lock(&mu_);
  epoch_ = epoch;
}

void FakeMessageLog::ForgetRun(int64_t run_no) {
  absl::MutexLock lock(&mu_);
  runs_.erase(run_no);
}

void FakeMessageLog::FailReads(absl::Status status) {
  absl::MutexLock lock(&mu_);
  read_failure_ = std::move(status);
}

void FakeMessageLog::FailNextGroup(absl::Status status) {
  absl::MutexLock lock(&mu_);
  group_failures_.push_back(std::move(status));
}

void FakeMessageLog::AbortInGroups(const std::string& key) {
  absl::MutexLock lock(&mu_);
  aborted_keys_.insert(key);
}

void FakeMessageLog::BeforeGroup(std::function<void(int)> call) {
  absl::MutexLock lock(&mu_);
  before_group_ = std::move(call);
}

int FakeMessageLog::group_count() const {
  absl::MutexLock lock(&mu_);
  return group_count_;
}

std::vector<int> FakeMessageLog::snapshot_reads() const {
  absl::MutexLock lock(&mu_);
  return snapshot_reads_;
}

int FakeMessageLog::known_snapshots() const {
  absl::MutexLock lock(&mu_);
  return known_snapshots_;
}

int FakeMessageLog::change_read_count() const {
  absl::MutexLock lock(&mu_);
  return change_read_count_;
}

absl::StatusOr<int64_t> FakeMessageLog::Find(const RunRef& run) const {
  for (const auto& [run_no, stored] : runs_) {
    const bool found =
        run.id.empty() ? stored.project == run.project && stored.rank == run.rank : stored.id == run.id;
    if (found) return run_no;
  }
  return absl::NotFoundError(absl::StrCat("there is no run '", run.id, run.project, "'"));
}

Message* FakeMessageLog::Stored(const MessageId& id) {
  const auto run = runs_.find(id.run_no);
  if (run == runs_.end() || id.sequence <= run->second.floor.sequence ||
      id.sequence > run->second.head().sequence) {
    return nullptr;
  }
  Message& message = run->second.messages[static_cast<size_t>(id.sequence - 1)];
  return message.id == id ? &message : nullptr;
}

bool FakeMessageLog::IsPending(const Message& message) const {
  return message.state == MessageState::kPending && message.expire_time > now_();
}

MessagePtr FakeMessageLog::Seen(const Message& message) const {
  auto seen = std::make_shared<Message>(message);
  if (message.state == MessageState::kPending && !IsPending(message)) {
    seen->state = MessageState::kExpired;
    seen->finish_time = message.expire_time;
  }
  return seen;
}

void FakeMessageLog::Withdraw(StoredRun& run, Message& message, MessageState state, absl::Time finish_time) {
  message.state = state;
  message.finish_time = finish_time;
  message.change = ++run.head_change;
}

Appended FakeMessageLog::Append(const NewMessage& draft, bool alone, GroupOutcome& outcome) {
  const absl::StatusOr<int64_t> run_no = Find(draft.run);
  if (!run_no.ok()) return {.status = run_no.status()};
  StoredRun& run = runs_[*run_no];
  if (const auto first = run.by_request.find(draft.request_id); first != run.by_request.end()) {
    if (first->second.second != draft.fingerprint)
      return {.status = absl::AlreadyExistsError("request_id was used before")};
    const int64_t sequence = first->second.first;
    Appended repeat = {.message = Seen(run.messages[static_cast<size_t>(sequence - 1)])};
    if (run.supersedes.contains(sequence)) repeat.superseded.push_back(run.supersedes[sequence]);
    return repeat;
  }
  if (run.ended)
    return {.status = absl::FailedPreconditionError(absl::StrCat("run '", run.id, "' is ENDED"))};
  if (!alone && aborted_keys_.contains(draft.key)) return {.status = absl::AbortedError("come again alone")};

  Message message = {.id = {*run_no, run.head().sequence + 1, ++last_nonce_},
                     .run_id = run.id,
                     .key = draft.key,
                     .value = draft.value};
  message.kind = draft.kind == Kind::kSetting ? Kind::kSetting : Kind::kCommand;
  message.publisher = draft.publisher;
  message.reason = draft.reason;
  message.create_time = now_();
  if (draft.ttl != absl::InfiniteDuration()) message.expire_time = now_() + draft.ttl;
  Message* replaced = nullptr;
  int64_t pending = 0;
  for (Message& old : run.messages) {
    if (!IsPending(old)) continue;
    ++pending;
    if (message.kind == Kind::kSetting && old.kind == Kind::kSetting && old.key == draft.key) replaced = &old;
  }
  if (pending - (replaced != nullptr ? 1 : 0) >= max_pending_)
    return {.status = absl::ResourceExhaustedError(absl::StrCat("the limit is ", max_pending_))};
  Appended appended;
  if (replaced != nullptr) {
    Withdraw(run, *replaced, MessageState::kSuperseded, now_());
    appended.superseded.push_back(replaced->id);
    outcome.touched.push_back(replaced->id);
    run.supersedes[message.id.sequence] = replaced->id;
  }
  if (!draft.request_id.empty()) run.by_request[draft.request_id] = {message.id.sequence, draft.fingerprint};
  run.messages.push_back(message);
  appended.message = std::make_shared<const Message>(std::move(message));
  return appended;
}

Acked FakeMessageLog::Ack(const AckCall& call, GroupOutcome& outcome) {
  for (const MessageId& id : call.ids) {
    if (Stored(id) == nullptr) return {.status = absl::NotFoundError("message_ids: unknown")};
  }
  Acked acked;
  for (const MessageId& id : call.ids) {
    Message& message = *Stored(id);
    StoredRun& run = runs_[id.run_no];
    const bool claims = IsPending(message);
    if (!claims && message.state == MessageState::kPending) {
      Withdraw(run, message, MessageState::kExpired, message.expire_time);
    } else if (claims || (message.state == MessageState::kAcked && message.consumer == call.consumer &&
                          call.outcome != AckOutcome::kUnspecified)) {
      if (claims) message.ack_time = now_();
      if (claims) message.change = ++run.head_change;
      message.state = static_cast<MessageState>(static_cast<int>(call.outcome) + 2);
      if (IsFinal(message.state)) message.finish_time = now_();
      message.consumer = call.consumer;
      message.reply = call.reply;
      message.error = call.error;
      message.step = call.step;
    }
    outcome.touched.push_back(id);
    acked.messages.push_back(std::make_shared<const Message>(message));
  }
  return acked;
}

std::map<int64_t, Position> FakeMessageLog::Heads() const {
  std::map<int64_t, Position> heads;
  for (const auto& [run_no, run] : runs_) heads[run_no] = run.head();
  return heads;
}

void FakeMessageLog::AddChanges(const std::map<int64_t, Position>& before, GroupOutcome& outcome) {
  for (const auto& [run_no, from] : before) {
    if (runs_[run_no].head() == from) continue;
    outcome.changes.push_back(ChangesSince(run_no, from, kEverything));
  }
}

absl::StatusOr<GroupOutcome> FakeMessageLog::ApplyGroup(absl::Span<const NewMessage* const> publishes,
                                                        absl::Span<const AckCall* const> acks) {
  std::function<void(int)> call;
  {
    absl::MutexLock lock(&mu_);
    call = before_group_;
  }
  if (call) call(static_cast<int>(publishes.size() + acks.size()));
  absl::MutexLock lock(&mu_);
  ++group_count_;
  if (!group_failures_.empty()) {
    const absl::Status failure = group_failures_.front();
    group_failures_.pop_front();
    if (!failure.ok()) return failure;
  }
  GroupOutcome outcome;
  std::map<int64_t, Position> before = Heads();
  const bool alone = publishes.size() == 1;
  for (const NewMessage* draft : publishes) outcome.appended.push_back(Append(*draft, alone, outcome));
  for (Appended& appended : outcome.appended) {
    if (appended.message != nullptr) appended.message = Seen(*Stored(appended.message->id));
  }
  AddChanges(before, outcome);
  before = Heads();
  for (const AckCall* ack : acks) outcome.acked.push_back(Ack(*ack, outcome));
  AddChanges(before, outcome);
  return outcome;
}

absl::StatusOr<Cancelled> FakeMessageLog::Cancel(const MessageId& id, const std::string& reason) {
  absl::MutexLock lock(&mu_);
  Message* message = Stored(id);
  if (message == nullptr) return absl::NotFoundError("there is no such message");
  if (message->state == MessageState::kCancelled) return Cancelled{.message = Seen(*message)};
  if (!IsPending(*message)) return absl::FailedPreconditionError("only a pending message can be cancelled");
  StoredRun& run = runs_[id.run_no];
  const Position before = run.head();
  message->error = reason;
  Withdraw(run, *message, MessageState::kCancelled, now_());
  return Cancelled{Seen(*message), ChangesSince(id.run_no, before, kEverything)};
}

absl::StatusOr<std::vector<int64_t>> FakeMessageLog::Expire(int limit) {
  absl::MutexLock lock(&mu_);
  if (!read_failure_.ok()) return read_failure_;
  std::vector<int64_t> run_nos;
  for (auto& [run_no, run] : runs_) {
    const int64_t before = run.head_change;
    for (Message& message : run.messages) {
      if (message.state != MessageState::kPending || IsPending(message) || limit <= 0) continue;
      Withdraw(run, message, MessageState::kExpired, message.expire_time);
      --limit;
    }
    if (run.head_change != before) run_nos.push_back(run_no);
  }
  return run_nos;
}

absl::StatusOr<RunInfo> FakeMessageLog::FindRun(const RunRef& run) {
  absl::MutexLock lock(&mu_);
  if (!read_failure_.ok()) return read_failure_;
  const absl::StatusOr<int64_t> run_no = Find(run);
  if (!run_no.ok()) return run_no.status();
  return RunInfo{*run_no, runs_[*run_no].id, epoch_};
}

absl::StatusOr<PendingSnapshots> FakeMessageLog::ReadSnapshots(absl::Span<const PendingRead> reads,
                                                               const ReadLimit& limit) {
  PendingSnapshots answer = {.now = now_()};
  for (const auto& [run, known] : reads) {
    absl::StatusOr<PendingPage> page = ListPending({.run = run, .limit = limit});
    absl::MutexLock lock(&mu_);
    if (&run == &reads.front().run) snapshot_reads_.push_back(static_cast<int>(reads.size()));
    if (!page.ok()) {
      if (!absl::IsNotFound(page.status())) return page.status();
      answer.snapshots.emplace_back(page.status());
    } else if (known != nullptr && known->run.run_no == page->run.run_no && known->head == page->head &&
               known->head.mark == page->head.mark && known->run.epoch == page->run.epoch) {
      ++known_snapshots_;
      answer.snapshots.emplace_back(known);
    } else {
      auto snapshot = std::make_shared<PendingSnapshot>();
      snapshot->run = page->run;
      snapshot->head = page->head;
      snapshot->is_whole = !page->more;
      if (snapshot->is_whole) snapshot->messages = std::move(page->messages);
      answer.snapshots.emplace_back(std::move(snapshot));
    }
  }
  return answer;
}

absl::StatusOr<PendingOfKey> FakeMessageLog::ReadPending(const RunRef& run, const std::string& key) {
  const absl::StatusOr<PendingPage> page = ListPending({.run = run, .keys = {key}, .limit = kEverything});
  if (!page.ok()) return page.status();
  if (page->messages.empty()) return PendingOfKey{};
  return PendingOfKey{page->messages.front(), static_cast<int64_t>(page->messages.size())};
}

absl::StatusOr<PendingPage> FakeMessageLog::ListPending(const PendingQuery& query) {
  const absl::StatusOr<RunInfo> info = FindRun(query.run);
  if (!info.ok()) return info.status();
  absl::MutexLock lock(&mu_);
  PendingPage page = {.run = *info, .head = runs_[info->run_no].head()};
  size_t bytes = 0;
  for (const Message& message : runs_[info->run_no].messages) {
    const bool in_range =
        message.id.sequence > query.after && (query.up_to == 0 || message.id.sequence <= query.up_to);
    if (!in_range || !IsPending(message) || !IsWanted(query.keys, message.key)) continue;
    page.more = !AddToPage(Seen(message), query.limit, bytes, page.messages);
    if (page.more) break;
  }
  return page;
}

absl::StatusOr<HistoryPage> FakeMessageLog::ListHistory(const HistoryQuery& query) {
  const absl::StatusOr<RunInfo> info = FindRun(query.run);
  if (!info.ok()) return info.status();
  absl::MutexLock lock(&mu_);
  HistoryPage page = {.run = *info};
  size_t bytes = 0;
  const StoredRun& run = runs_[info->run_no];
  const std::vector<Message>& messages = run.messages;
  for (size_t i = messages.size(); i-- > static_cast<size_t>(run.floor.sequence);) {
    const Message& stored = messages[i];
    MessagePtr message = Seen(stored);
    const bool in_range = query.before == 0 || stored.id.sequence < query.before;
    if (!in_range || !IsWanted(query.keys, stored.key) || !IsWanted(query.states, message->state)) continue;
    page.more = !AddToPage(std::move(message), query.limit, bytes, page.messages);
    if (page.more) break;
  }
  return page;
}

absl::StatusOr<std::vector<MessagePtr>> FakeMessageLog::ReadMessages(const std::vector<MessageId>& ids) {
  absl::MutexLock lock(&mu_);
  if (!read_failure_.ok()) return read_failure_;
  std::vector<MessagePtr> messages;
  for (const MessageId& id : ids) {
    if (const Message* message = Stored(id)) messages.push_back(Seen(*message));
  }
  return messages;
}

RunChanges FakeMessageLog::ChangesSince(int64_t run_no, const Position& from, const ReadLimit& limit) {
  StoredRun& run = runs_[run_no];
  RunChanges changes = {
      .run_no = run_no, .epoch = epoch_, .from = from, .to = run.head(), .head = run.head()};
  changes.ended = run.ended;
  if (run.ended) return changes;
  for (const Message& message : run.messages) {
    if (message.id.sequence <= run.floor.sequence || message.id.sequence > from.sequence ||
        message.change <= from.change) {
      continue;
    }
    changes.withdrawals.push_back({message.id, message.key, message.state, message.consumer, message.change});
  }
  std::ranges::sort(changes.withdrawals, {}, &Withdrawal::change);
  if (changes.withdrawals.size() > static_cast<size_t>(limit.rows)) {
    changes.withdrawals.resize(static_cast<size_t>(limit.rows));
    changes.to = {from.sequence, changes.withdrawals.back().change, from.mark};
    return changes;
  }
  size_t bytes = 0;
  for (const Message& message : run.messages) {
    if (message.id.sequence <= from.sequence || message.state != MessageState::kPending) continue;
    if (AddToPage(Seen(message), limit, bytes, changes.messages)) continue;
    const MessageId& last = changes.messages.back()->id;
    changes.to = {last.sequence, run.head_change, last.nonce};
    break;
  }
  return changes;
}

absl::StatusOr<RunChanges> FakeMessageLog::ReadChanges(const Cursor& from, const ReadLimit& limit) {
  absl::MutexLock lock(&mu_);
  ++change_read_count_;
  if (!read_failure_.ok()) return read_failure_;
  if (from.epoch != epoch_ || !runs_.contains(from.run_no))
    return absl::OutOfRangeError("cursor is of another history");
  const Position head = runs_[from.run_no].head();
  if (from.position.sequence > head.sequence || from.position.change > head.change)
    return absl::OutOfRangeError("cursor is beyond the newest message");
  const Position& floor = runs_[from.run_no].floor;
  if (from.position != Position{} &&
      (from.position.sequence < floor.sequence || from.position.change < floor.change)) {
    return absl::OutOfRangeError("cursor is older than what is kept");
  }
  const int64_t mark = runs_[from.run_no].MarkOf(from.position.sequence);
  if (from.position.mark != 0 && mark != 0 && from.position.mark != mark)
    return absl::OutOfRangeError("cursor is of a history that was rewritten");
  return ChangesSince(from.run_no, from.position, limit);
}

absl::StatusOr<std::vector<RunHead>> FakeMessageLog::ReadHeads(const std::vector<int64_t>& run_nos) {
  absl::MutexLock lock(&mu_);
  if (!read_failure_.ok()) return read_failure_;
  std::vector<RunHead> heads;
  for (int64_t run_no : run_nos) {
    const auto run = runs_.find(run_no);
    if (run == runs_.end()) continue;
    heads.push_back({run_no, epoch_, run->second.head(), run->second.ended.has_value()});
  }
  return heads;
}

absl::StatusOr<std::vector<int64_t>> FakeMessageLog::FindEndedRuns(const Retention& retention, int limit) {
  absl::MutexLock lock(&mu_);
  if (!read_failure_.ok()) return read_failure_;
  std::vector<std::pair<absl::Time, int64_t>> ended;
  for (const auto& [run_no, run] : runs_) {
    if (run.end_time <= now_() - retention.ended_runs) ended.emplace_back(run.end_time, run_no);
  }
  std::ranges::sort(ended);
  ended.resize(std::min(ended.size(), static_cast<size_t>(limit)));
  std::vector<int64_t> run_nos;
  run_nos.reserve(ended.size());
  for (const auto& [end_time, run_no] : ended) run_nos.push_back(run_no);
  return run_nos;
}

absl::StatusOr<DueRuns> FakeMessageLog::FindDueRuns(const Retention& retention, int64_t after, int limit) {
  absl::MutexLock lock(&mu_);
  if (!read_failure_.ok()) return read_failure_;
  DueRuns due;
  for (auto it = runs_.upper_bound(after); it != runs_.end(); ++it) {
    const auto& [run_no, run] = *it;
    if (run.ended) continue;
    const bool has_first = run.head().sequence > run.floor.sequence;
    if (has_first && IsDue(run, run.messages[static_cast<size_t>(run.floor.sequence)], retention)) {
      due.run_nos.push_back(run_no);
    }
    if (--limit > 0) continue;
    due.next = run_no;
    break;
  }
  return due;
}

bool FakeMessageLog::IsDue(const StoredRun& run, const Message& message, const Retention& retention) const {
  return run.end_time <= now_() - retention.ended_runs ||
         (IsFinal(message.state) && message.finish_time <= now_() - retention.finished_messages);
}

absl::StatusOr<int64_t> FakeMessageLog::Prune(int64_t run_no, const Retention& retention,
                                              const PruneLimit& limit) {
  absl::MutexLock lock(&mu_);
  if (!read_failure_.ok()) return read_failure_;
  const auto it = runs_.find(run_no);
  if (it == runs_.end()) return 0;
  StoredRun& run = it->second;
  int64_t rows = 0;
  size_t bytes = 0;
  while (rows < limit.rows && bytes < limit.bytes && run.floor.sequence < run.head().sequence) {
    const Message& first = run.messages[static_cast<size_t>(run.floor.sequence)];
    if (!IsDue(run, first, retention)) break;
    bytes += first.value.size() + (first.reply ? first.reply->size() : 0);
    run.floor = {first.id.sequence, std::max(run.floor.change, first.change)};
    std::erase_if(run.by_request,
                  [&](const auto& request) { return request.second.first == first.id.sequence; });
    ++rows;
  }
  if (rows > 0 || run.end_time > now_() - retention.ended_runs) return rows;
  runs_.erase(it);
  return 1;
}

}  // namespace signalbox::service
