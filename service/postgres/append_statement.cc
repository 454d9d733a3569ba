#include "service/postgres/append_statement.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "service/postgres/array_literal.h"
#include "service/postgres/changes_by_run.h"
#include "service/postgres/row_reader.h"
#include "service/postgres/statements.h"

namespace signalbox::service {
namespace {

// What append_messages() says of an item.
enum AppendVerdict { kStored, kRepeat, kOtherContent, kNoRun, kRunEnded, kTooManyPending, kAgainAlone };

std::string Name(const RunRef& run) {
  return run.id.empty() ? absl::StrCat("run ", run.rank, " of project '", run.project, "'")
                        : absl::StrCat("run '", run.id, "'");
}

absl::Status Refusal(AppendVerdict verdict, const NewMessage& draft, const pqxx::row& row,
                     int64_t max_pending) {
  switch (verdict) {
    case kOtherContent:
      return absl::AlreadyExistsError("request_id was used before in this run, with other content");
    case kNoRun:
      return absl::NotFoundError(absl::StrCat("there is no ", Name(draft.run)));
    case kRunEnded:
      return absl::FailedPreconditionError(absl::StrCat(
          Name(draft.run), " is ENDED since ",
          absl::FormatTime(absl::RFC3339_sec, TimeFrom(row["run_end_time"]), absl::UTCTimeZone())));
    case kTooManyPending:
      return absl::ResourceExhaustedError(
          absl::StrCat(Name(draft.run), " has ", max_pending, " pending messages, which is the limit"));
    case kAgainAlone:
      return absl::AbortedError("decided in a group of one");
    case kStored:
    case kRepeat:
      break;
  }
  return absl::OkStatus();
}

// Where the result of append_messages() has what is read of every row.
struct AppendColumns {
  explicit AppendColumns(const pqxx::result& rows)
      : item(rows.column_number("item")),
        outcome(rows.column_number("outcome")),
        run_no(rows.column_number("run_no")),
        run_id(rows.column_number("run_id")),
        head_sequence(rows.column_number("head_sequence")),
        head_change(rows.column_number("head_change")),
        sequence(rows.column_number("sequence")),
        kind(rows.column_number("kind")),
        state(rows.column_number("state")),
        change(rows.column_number("change")),
        create_time(rows.column_number("create_time")),
        expire_time(rows.column_number("expire_time")),
        superseded_sequence(rows.column_number("superseded_sequence")) {}

  pqxx::row_size_type item, outcome, run_no, run_id, head_sequence, head_change, sequence, kind, state,
      change, create_time, expire_time, superseded_sequence;
};

// Never 0: a time to live that was asked for is greater than zero.
int64_t MicrosecondsOf(absl::Duration ttl) { return std::max<int64_t>(1, absl::ToInt64Microseconds(ttl)); }

// A pending command, before it has a place.
Message Content(const NewMessage& draft) {
  Message message;
  message.key = draft.key;
  message.value = draft.value;
  message.publisher = draft.publisher;
  message.reason = draft.reason;
  return message;
}

std::shared_ptr<Message> StoredMessage(const NewMessage& draft, int64_t nonce, const pqxx::row& row,
                                       const AppendColumns& columns) {
  auto message = std::make_shared<Message>(Content(draft));
  message->id = {row[columns.run_no].as<int64_t>(), row[columns.sequence].as<int64_t>(), nonce};
  message->run_id = row[columns.run_id].as<std::string>();
  message->kind = static_cast<Kind>(row[columns.kind].as<int>());
  message->state = static_cast<MessageState>(row[columns.state].as<int>());
  message->create_time = TimeFrom(row[columns.create_time]);
  message->expire_time = TimeFrom(row[columns.expire_time]);
  message->change = IntFrom(row[columns.change]);
  if (message->state == MessageState::kSuperseded) message->finish_time = message->create_time;
  return message;
}

}  // namespace

AppendStatement::AppendStatement(absl::Span<const NewMessage* const> publishes,
                                 const std::function<int64_t()>& make_nonce, RunNumbers& numbers,
                                 const KnownHeads& heads)
    : publishes_(publishes), numbers_(numbers) {
  places_.reserve(publishes.size());
  nonces_.reserve(publishes.size());
  for (size_t i = 0; i < publishes.size(); ++i) nonces_.push_back(make_nonce());
  PlaceInRuns(heads);
  if (!alone_) WriteItems();
}

// The distinct runs, and where each publish stands among those to its run.
void AppendStatement::PlaceInRuns(const KnownHeads& heads) {
  ArrayLiteral ids, projects, ranks, run_nos, known_sequences, known_changes, are_newest;
  absl::flat_hash_map<std::pair<std::string_view, int64_t>, Place> newest;  // of each run
  bool is_usual = true;
  for (const NewMessage* draft : publishes_) {
    const bool is_by_id = !draft->run.id.empty();
    const std::string& name = is_by_id ? draft->run.id : draft->run.project;
    const auto [place, is_new] =
        newest.try_emplace({name, draft->run.rank}, Place{static_cast<int64_t>(newest.size()) + 1, 0});
    if (is_new && is_by_id) {
      ids.AddText(name);
      projects.AddNull();
      ranks.AddNull();
      const std::optional<int64_t> run_no = numbers_.Find(name);
      all_known_ = all_known_ && run_no.has_value();
      run_no ? run_nos.Add(*run_no) : run_nos.AddNull();
      const KnownHeads::Head known = run_no ? heads.Find(*run_no) : KnownHeads::Head{};
      if (run_no && publishes_.size() == 1 && draft->kind != Kind::kSetting)
        alone_ = {*run_no, known.position};
      known_sequences.Add(known.position.sequence);
      known_changes.Add(known.position.change);
      if (incarnation_ == 0) incarnation_ = known.newest_in;
      are_newest.Add(known.newest_in != 0 && known.newest_in == incarnation_ ? 1 : 0);
    } else if (is_new) {
      ids.AddNull();
      projects.AddText(name);
      ranks.Add(draft->run.rank);
    }
    ++place->second.in_run;
    places_.push_back(place->second);
    // The same run may be named by id and by rank, and a setting replaces another.
    is_usual = is_usual && is_by_id && draft->kind != Kind::kSetting;
  }
  if (is_usual) run_nos_ = std::move(run_nos).Finish();
  ids_ = std::move(ids).Finish();
  projects_ = std::move(projects).FinishUnlessBlank();
  ranks_ = std::move(ranks).FinishUnlessBlank();
  known_sequences_ = std::move(known_sequences).Finish();
  known_changes_ = std::move(known_changes).Finish();
  are_newest_ = std::move(are_newest).FinishUnlessBlank();
}

void AppendStatement::WriteItems() {
  ArrayLiteral runs, places_in_run, keys, begins, value_sizes, request_id_sizes, fingerprint_sizes, kinds,
      ttls, reasons, publishers, nonces;
  for (size_t i = 0; i < publishes_.size(); ++i) {
    const NewMessage& draft = *publishes_[i];
    runs.Add(places_[i].run);
    places_in_run.Add(places_[i].in_run);
    keys.AddText(draft.key);
    begins.Add(static_cast<int64_t>(content_.size()) + 1);
    value_sizes.Add(static_cast<int64_t>(draft.value.size()));
    content_ += draft.value;
    if (draft.request_id.empty()) {
      request_id_sizes.AddNull();
      fingerprint_sizes.AddNull();
    } else {
      request_id_sizes.Add(static_cast<int64_t>(draft.request_id.size()));
      fingerprint_sizes.Add(static_cast<int64_t>(draft.fingerprint.size()));
      absl::StrAppend(&content_, draft.request_id, draft.fingerprint);
    }
    kinds.Add(static_cast<int64_t>(draft.kind));
    if (draft.ttl == absl::InfiniteDuration()) {
      ttls.AddNull();
    } else {
      ttls.Add(MicrosecondsOf(draft.ttl));
    }
    reasons.AddText(draft.reason);
    publishers.AddText(draft.publisher);
    nonces.Add(nonces_[i]);
  }
  runs_ = std::move(runs).Finish();
  places_in_run_ = std::move(places_in_run).Finish();
  keys_ = std::move(keys).Finish();
  begins_ = std::move(begins).Finish();
  value_sizes_ = std::move(value_sizes).Finish();
  request_id_sizes_ = std::move(request_id_sizes).FinishUnlessBlank();
  fingerprint_sizes_ = std::move(fingerprint_sizes).Finish();
  kinds_ = std::move(kinds).FinishUnlessBlank();
  ttls_ = std::move(ttls).FinishUnlessBlank();
  reasons_ = std::move(reasons).FinishUnlessBlank();
  publishers_ = std::move(publishers).FinishUnlessBlank();
  nonce_literals_ = std::move(nonces).Finish();
}

pqxx::result AppendStatement::Send(Transaction& transaction, int64_t max_pending) const {
  const std::string are_newest = transaction.incarnation() == incarnation_ ? are_newest_ : "{}";
  return transaction.Exec(sql::kAppendMessages, run_nos_ ? run_nos_->c_str() : nullptr, known_sequences_,
                          known_changes_, are_newest, places_in_run_, ids_, projects_, ranks_, max_pending,
                          runs_, keys_, pqxx::binarystring(content_), begins_, value_sizes_,
                          request_id_sizes_, fingerprint_sizes_, kinds_, ttls_, reasons_, publishers_,
                          nonce_literals_);
}

pqxx::result AppendStatement::SendAlone(Transaction& transaction, int64_t max_pending,
                                        const KnownRun& run) const {
  const NewMessage& draft = *publishes_.front();
  const int64_t ttl = draft.ttl == absl::InfiniteDuration() ? 0 : MicrosecondsOf(draft.ttl);
  return transaction.Exec(sql::kAppendMessage, run.run_no, run.head.sequence, run.head.change, draft.run.id,
                          max_pending, draft.key, pqxx::binarystring(draft.value),
                          static_cast<int>(draft.kind), pqxx::binarystring(draft.request_id),
                          pqxx::binarystring(draft.fingerprint), ttl, draft.reason, draft.publisher,
                          nonces_.front());
}

void AppendStatement::Run(Transaction& transaction, int64_t max_pending, GroupOutcome& outcome,
                          std::vector<Repeat>& repeats) const {
  const pqxx::result rows =
      alone_ ? SendAlone(transaction, max_pending, *alone_) : Send(transaction, max_pending);
  outcome.appended.reserve(publishes_.size());
  if (rows[0]["item"].is_null()) {
    ReadByRun(rows, outcome);
  } else {
    ReadByItem(rows, max_pending, outcome, repeats);
  }
}

// Every publish was stored as a pending command.
void AppendStatement::ReadByRun(const pqxx::result& rows, GroupOutcome& outcome) const {
  const AppendColumns columns(rows);
  for (const pqxx::row& row : rows) {
    const Position before = {row[columns.head_sequence].as<int64_t>(),
                             row[columns.head_change].as<int64_t>()};
    outcome.changes.push_back({.run_no = row[columns.run_no].as<int64_t>(), .from = before, .to = before});
  }
  const absl::Time now = TimeFrom(rows[0][columns.create_time]);
  for (size_t i = 0; i < publishes_.size(); ++i) {
    const NewMessage& draft = *publishes_[i];
    RunChanges& change = outcome.changes[static_cast<size_t>(places_[i].run - 1)];
    if (!all_known_) numbers_.Learn(draft.run.id, change.run_no);
    auto message = std::make_shared<Message>(Content(draft));
    message->id = {change.run_no, change.from.sequence + places_[i].in_run, nonces_[i]};
    message->run_id = draft.run.id;
    message->create_time = now;
    if (draft.ttl != absl::InfiniteDuration()) {
      message->expire_time = now + absl::Microseconds(MicrosecondsOf(draft.ttl));
    }
    change.to.sequence = message->id.sequence;
    change.to.mark = message->id.nonce;
    change.messages.push_back(message);
    outcome.appended.push_back({.message = std::move(message)});
  }
}

void AppendStatement::ReadByItem(const pqxx::result& rows, int64_t max_pending, GroupOutcome& outcome,
                                 std::vector<Repeat>& repeats) const {
  const AppendColumns columns(rows);
  ChangesByRun changes(outcome.changes);
  for (size_t i = 0; i < publishes_.size(); ++i) {
    const pqxx::row row = rows[static_cast<pqxx::result::size_type>(i)];
    Appended& appended = outcome.appended.emplace_back();
    const auto verdict = static_cast<AppendVerdict>(row[columns.outcome].as<int>());
    if (verdict == kRepeat) {
      repeats.push_back({i, row[columns.run_no].as<int64_t>(), row[columns.sequence].as<int64_t>()});
    }
    if (verdict != kStored) {
      appended.status = Refusal(verdict, *publishes_[i], row, max_pending);
      continue;
    }
    appended.message = StoredMessage(*publishes_[i], nonces_[i], row, columns);
    const MessageId& id = appended.message->id;
    numbers_.Learn(appended.message->run_id, id.run_no);
    RunChanges& change = changes.Of(
        id.run_no, {row[columns.head_sequence].as<int64_t>(), row[columns.head_change].as<int64_t>()});
    change.to.sequence = id.sequence;  // they come in order
    change.to.mark = id.nonce;
    if (appended.message->state == MessageState::kPending) change.messages.push_back(appended.message);
    if (row[columns.superseded_sequence].is_null()) continue;
    const MessageId old = {id.run_no, row["superseded_sequence"].as<int64_t>(),
                           row["superseded_nonce"].as<int64_t>()};
    appended.superseded.push_back(old);
    outcome.touched.push_back(old);
    change.to.change = std::max(change.to.change, row["superseded_change"].as<int64_t>());
    // One that came and went within this group was never seen by anyone.
    if (old.sequence <= change.from.sequence) {
      change.withdrawals.push_back({old, appended.message->key, MessageState::kSuperseded, "",
                                    row["superseded_change"].as<int64_t>()});
    }
  }
}

}  // namespace signalbox::service
