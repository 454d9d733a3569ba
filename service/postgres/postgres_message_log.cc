#include "service/postgres/postgres_message_log.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/postgres/ack_statement.h"
#include "service/postgres/append_statement.h"
#include "service/postgres/array_literal.h"
#include "service/postgres/row_reader.h"
#include "service/postgres/run_lookup.h"
#include "service/postgres/snapshot_statement.h"
#include "service/postgres/statements.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {
namespace {

MessagePtr MessagePtrFrom(const pqxx::row& row, const MessageColumns& columns, const std::string& run_id) {
  return std::make_shared<const Message>(MessageFrom(row, columns, run_id));
}

std::string TextArray(const std::vector<std::string>& texts) {
  ArrayLiteral array;
  for (const std::string& text : texts) array.AddText(text);
  return std::move(array).Finish();
}

// A repeat is answered with the message as it now is, read after the group. One that was pruned in
// between is no repeat any more.
void ReadRepeats(Transaction& transaction, const std::vector<AppendStatement::Repeat>& repeats,
                 GroupOutcome& outcome) {
  for (const AppendStatement::Repeat& repeat : repeats) {
    const pqxx::result rows = transaction.Exec(sql::kReadRepeat, repeat.run_no, repeat.sequence);
    Appended& appended = outcome.appended[repeat.item];
    if (rows.empty()) {
      appended.status = absl::AbortedError("the first message of this request_id was pruned just now");
      continue;
    }
    const pqxx::row row = rows[0];
    appended.message = MessagePtrFrom(row, MessageColumns(rows), row["run_id"].as<std::string>());
    if (row["supersedes_sequence"].is_null()) continue;
    appended.superseded.push_back(
        {repeat.run_no, row["supersedes_sequence"].as<int64_t>(), row["supersedes_nonce"].as<int64_t>()});
  }
}

absl::Status NotPending(const Message& message) {
  static constexpr const char* kNames[] = {"UNSPECIFIED", "PENDING",   "ACKED",   "APPLIED",    "FAILED",
                                           "SUPERSEDED",  "CANCELLED", "EXPIRED", "UNDELIVERED"};
  return absl::FailedPreconditionError(absl::StrCat("message '", Encode(message.id), "' is ",
                                                    kNames[static_cast<int>(message.state)],
                                                    "; only a pending message can be cancelled"));
}

Withdrawal WithdrawalOf(const Message& message) {
  return {message.id, message.key, message.state, message.consumer, message.change};
}

Position HeadFrom(const pqxx::row& row) {
  return {row["head_sequence"].as<int64_t>(), row["head_change"].as<int64_t>(), IntFrom(row["head_mark"])};
}

// The run was found a moment ago, and pruned since then.
absl::Status NoLonger(const RunInfo& run) {
  return absl::NotFoundError(absl::StrCat("there is no run '", run.id, "' any more"));
}

// Whether everything after `position` can still be told.
absl::Status CheckReach(const Position& position, const Position& head, const pqxx::row& row) {
  if (position.sequence > head.sequence || position.change > head.change) {
    return absl::OutOfRangeError("cursor is beyond the newest message; subscribe without one");
  }
  const int64_t mark = IntFrom(row["from_mark"]);  // 0 when the message was pruned
  if (position.mark != 0 && mark != 0 && mark != position.mark) {
    return absl::OutOfRangeError("cursor is of a history that was rewritten; subscribe without one");
  }
  const auto pruned_sequence = row["pruned_sequence"].as<int64_t>();
  if (position == Position{} ||
      (position.sequence >= pruned_sequence && position.change >= row["pruned_change"].as<int64_t>())) {
    return absl::OkStatus();
  }
  return absl::OutOfRangeError(absl::StrCat("cursor is older than what is kept, which begins at sequence ",
                                            pruned_sequence + 1, "; subscribe without one"));
}

// Fills `changes` from the rows of `read_changes`. A page that was cut short ends at its last row.
void FillChanges(const pqxx::result& rows, const ReadLimit& limit, RunChanges& changes) {
  const auto run_id = rows[0]["run_id"].as<std::string>();
  const MessageColumns columns(rows);
  const auto part = rows.column_number("part");
  for (const pqxx::row& row : rows) {
    if (row[part].is_null()) break;
    Message message = MessageFrom(row, columns, run_id);
    if (row[part].as<int>() == 2) {
      const bool is_cut = !row["more"].is_null();
      changes.to =
          is_cut ? Position{message.id.sequence, changes.head.change, message.id.nonce} : changes.head;
      changes.messages.push_back(std::make_shared<const Message>(std::move(message)));
    } else if (changes.withdrawals.size() < static_cast<size_t>(limit.rows)) {
      changes.withdrawals.push_back(WithdrawalOf(message));
    } else {
      // The messages wait until every withdrawal before them was told.
      changes.to = {changes.from.sequence, changes.withdrawals.back().change, changes.from.mark};
      return;
    }
  }
}

}  // namespace

absl::StatusOr<GroupOutcome> PostgresMessageLog::ApplyGroup(absl::Span<const NewMessage* const> publishes,
                                                            absl::Span<const AckCall* const> acks) {
  // Parameters are built before a connection is taken, hence before any lock is.
  const AppendStatement append(publishes, make_nonce_, numbers_, heads_);
  const AckStatement ack(acks, heads_);
  int64_t incarnation = 0;
  const auto run = [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<GroupOutcome> {
    GroupOutcome outcome;
    incarnation = transaction.incarnation();
    std::vector<AppendStatement::Repeat> repeats;
    if (!publishes.empty()) append.Run(transaction, max_pending_, outcome, repeats);
    if (!acks.empty()) ack.Run(transaction, outcome);
    ReadRepeats(transaction, repeats, outcome);
    for (RunChanges& changes : outcome.changes) {
      changes.epoch = epoch;
      changes.head = changes.to;
    }
    return outcome;
  };
  const auto lock_and_run = [&](Transaction& transaction, int64_t epoch) {
    // Both statements lock their runs in order; together they are only in order if all locks are
    // taken at once.
    transaction.Exec(sql::kLockGroup, append.ids(), append.projects(), append.ranks(), ack.run_nos());
    return run(transaction, epoch);
  };
  absl::StatusOr<GroupOutcome> outcome =
      publishes.empty() || acks.empty() ? InStatement(writer_, run) : InTransaction(writer_, lock_and_run);
  if (outcome.ok()) {
    for (const RunChanges& changes : outcome->changes) {
      heads_.Commit(changes.run_no, changes.from, changes.to, incarnation);
    }
  }
  return outcome;
}

absl::StatusOr<Cancelled> PostgresMessageLog::Cancel(const MessageId& id, const std::string& reason) {
  return InStatement(readers_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<Cancelled> {
    const pqxx::result rows = transaction.Exec(sql::kCancelMessage, id.run_no, id.sequence, id.nonce, reason);
    const pqxx::row row = rows.at(0);
    const auto verdict = row["outcome"].as<int>();
    if (verdict == 1) return absl::NotFoundError(absl::StrCat("there is no message '", Encode(id), "'"));
    Cancelled cancelled;
    cancelled.message = MessagePtrFrom(row, MessageColumns(rows), row["run_id"].as<std::string>());
    if (verdict == 2) return NotPending(*cancelled.message);
    const Position before = {row["head_sequence"].as<int64_t>(), row["head_change"].as<int64_t>()};
    if (cancelled.message->change <= before.change) return cancelled;
    const Position after = {before.sequence, cancelled.message->change};
    heads_.See(id.run_no, after, transaction.incarnation());
    cancelled.changes = {.run_no = id.run_no, .epoch = epoch, .from = before, .to = after, .head = after};
    cancelled.changes.withdrawals.push_back(WithdrawalOf(*cancelled.message));
    return cancelled;
  });
}

absl::StatusOr<std::vector<int64_t>> PostgresMessageLog::Expire(int limit) {
  return InStatement(readers_,
                     [&](Transaction& transaction, int64_t) -> absl::StatusOr<std::vector<int64_t>> {
                       std::vector<int64_t> run_nos;
                       for (const pqxx::row& row : transaction.Exec(sql::kExpireMessages, limit)) {
                         run_nos.push_back(row[0].as<int64_t>());
                       }
                       return run_nos;
                     });
}

absl::StatusOr<RunInfo> PostgresMessageLog::FindRun(const RunRef& run) {
  return InStatement(
      readers_, [&](Transaction& transaction, int64_t epoch) { return LookUpRun(transaction, run, epoch); });
}

absl::StatusOr<PendingSnapshots> PostgresMessageLog::ReadSnapshots(absl::Span<const PendingRead> reads,
                                                                   const ReadLimit& limit) {
  return InStatement(readers_, [&](Transaction& transaction, int64_t epoch) {
    const SnapshotStatement statement(reads, epoch);
    return statement.Run(transaction, limit);
  });
}

absl::StatusOr<PendingOfKey> PostgresMessageLog::ReadPending(const RunRef& run, const std::string& key) {
  return InStatement(readers_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<PendingOfKey> {
    const absl::StatusOr<RunInfo> info = LookUpRun(transaction, run, epoch);
    if (!info.ok()) return info.status();
    const pqxx::result rows = transaction.Exec(sql::kReadPending, info->run_no, key);
    if (rows.empty()) return PendingOfKey{};
    return PendingOfKey{MessagePtrFrom(rows[0], MessageColumns(rows), info->id),
                        rows[0]["pending"].as<int64_t>()};
  });
}

absl::StatusOr<PendingPage> PostgresMessageLog::ListPending(const PendingQuery& query) {
  return InStatement(readers_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<PendingPage> {
    const absl::StatusOr<RunInfo> info = LookUpRun(transaction, query.run, epoch);
    if (!info.ok()) return info.status();
    const pqxx::result rows =
        transaction.Exec(sql::kListPending, info->run_no, query.after, query.up_to, TextArray(query.keys),
                         query.limit.rows, static_cast<int64_t>(query.limit.bytes));
    if (rows.empty()) return NoLonger(*info);
    PendingPage page;
    page.run = *info;
    page.head = HeadFrom(rows[0]);
    const MessageColumns columns(rows);
    for (const pqxx::row& row : rows) {
      if (row[columns.sequence].is_null()) break;
      page.messages.push_back(MessagePtrFrom(row, columns, info->id));
      page.more = !row["more"].is_null();
    }
    return page;
  });
}

absl::StatusOr<HistoryPage> PostgresMessageLog::ListHistory(const HistoryQuery& query) {
  ArrayLiteral states;
  for (MessageState state : query.states) states.Add(static_cast<int64_t>(state));
  const std::string states_text = std::move(states).Finish();
  const int64_t before = query.before > 0 ? query.before : std::numeric_limits<int64_t>::max();
  return InStatement(readers_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<HistoryPage> {
    const absl::StatusOr<RunInfo> info = LookUpRun(transaction, query.run, epoch);
    if (!info.ok()) return info.status();
    const pqxx::result rows =
        transaction.Exec(sql::kListHistory, info->run_no, before, TextArray(query.keys), states_text,
                         query.limit.rows, static_cast<int64_t>(query.limit.bytes));
    HistoryPage page;
    page.run = *info;
    const MessageColumns columns(rows);
    for (const pqxx::row& row : rows) {
      page.messages.push_back(MessagePtrFrom(row, columns, info->id));
      page.more = !row["more"].is_null();
    }
    return page;
  });
}

absl::StatusOr<std::vector<MessagePtr>> PostgresMessageLog::ReadMessages(const std::vector<MessageId>& ids) {
  ArrayLiteral run_nos, sequences, nonces;
  for (const MessageId& id : ids) {
    run_nos.Add(id.run_no);
    sequences.Add(id.sequence);
    nonces.Add(id.nonce);
  }
  const std::string run_nos_text = std::move(run_nos).Finish();
  const std::string sequences_text = std::move(sequences).Finish();
  const std::string nonces_text = std::move(nonces).Finish();
  return InStatement(readers_,
                     [&](Transaction& transaction, int64_t) -> absl::StatusOr<std::vector<MessagePtr>> {
                       const pqxx::result rows =
                           transaction.Exec(sql::kReadMessages, run_nos_text, sequences_text, nonces_text);
                       const MessageColumns columns(rows);
                       std::vector<MessagePtr> messages;
                       for (const pqxx::row& row : rows) {
                         messages.push_back(MessagePtrFrom(row, columns, row["run_id"].as<std::string>()));
                       }
                       return messages;
                     });
}

absl::StatusOr<RunChanges> PostgresMessageLog::ReadChanges(const Cursor& from, const ReadLimit& limit) {
  return InStatement(readers_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<RunChanges> {
    if (epoch != from.epoch) {
      return absl::OutOfRangeError(
          "cursor is of a history that the database no longer has; subscribe without one");
    }
    const Position& position = from.position;
    const pqxx::result rows =
        transaction.Exec(sql::kReadChanges, from.run_no, position.sequence, position.change, limit.rows,
                         static_cast<int64_t>(limit.bytes));
    if (rows.empty()) return absl::OutOfRangeError("cursor is of a run that the database no longer has");
    const pqxx::row& row = rows[0];
    const Position head = HeadFrom(row);
    if (absl::Status status = CheckReach(position, head, row); !status.ok()) return status;
    heads_.See(from.run_no, head, transaction.incarnation());
    RunChanges changes = {.run_no = from.run_no, .epoch = epoch, .from = position, .to = head, .head = head};
    if (row["ended"].as<bool>()) {
      changes.ended = static_cast<RunOutcome>(row["outcome"].as<int>());
      return changes;
    }
    FillChanges(rows, limit, changes);
    return changes;
  });
}

absl::StatusOr<std::vector<RunHead>> PostgresMessageLog::ReadHeads(const std::vector<int64_t>& run_nos) {
  ArrayLiteral array;
  for (int64_t run_no : run_nos) array.Add(run_no);
  const std::string text = std::move(array).Finish();
  return InStatement(
      readers_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<std::vector<RunHead>> {
        std::vector<RunHead> heads;
        for (const pqxx::row& row : transaction.Exec(sql::kReadHeads, text)) {
          heads.push_back(
              {row[0].as<int64_t>(), epoch, {row[1].as<int64_t>(), row[2].as<int64_t>()}, row[3].as<bool>()});
        }
        return heads;
      });
}

}  // namespace signalbox::service
