#include "service/postgres/ack_statement.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "service/postgres/array_literal.h"
#include "service/postgres/changes_by_run.h"
#include "service/postgres/row_reader.h"
#include "service/postgres/statements.h"

namespace signalbox::service {
namespace {

// Where the row of each item is.
std::vector<pqxx::result::size_type> RowsByItem(const pqxx::result& rows) {
  const auto item = rows.column_number("item");
  std::vector<pqxx::result::size_type> row_of(rows.size());
  for (pqxx::result::size_type i = 0; i < rows.size(); ++i) row_of.at(rows[i][item].as<size_t>() - 1) = i;
  return row_of;
}

}  // namespace

AckStatement::AckStatement(absl::Span<const AckCall* const> acks, const KnownHeads& heads) : acks_(acks) {
  if (acks.size() == 1 && acks.front()->ids.size() == 1) {
    const int64_t run_no = acks.front()->ids.front().run_no;
    alone_ = heads.Find(run_no).position;
    ArrayLiteral one;
    one.Add(run_no);
    run_nos_ = std::move(one).Finish();
  } else {
    WriteItems(heads);
  }
}

void AckStatement::WriteItems(const KnownHeads& heads) {
  ArrayLiteral run_nos, known_sequences, known_changes, runs, places_in_run, calls, sequences, nonces,
      consumers, outcomes, replies, errors, steps;
  struct Place {
    int64_t run;
    int64_t in_run;
  };
  absl::flat_hash_map<int64_t, Place> newest;  // of each run, as for publishes
  for (size_t call = 0; call < acks_.size(); ++call) {
    const AckCall& ack = *acks_[call];
    for (const MessageId& id : ack.ids) {
      const auto [place, is_new] =
          newest.try_emplace(id.run_no, Place{static_cast<int64_t>(newest.size()) + 1, 0});
      if (is_new) {
        const Position known = heads.Find(id.run_no).position;
        run_nos.Add(id.run_no);
        known_sequences.Add(known.sequence);
        known_changes.Add(known.change);
      }
      runs.Add(place->second.run);
      places_in_run.Add(++place->second.in_run);
      calls.Add(static_cast<int64_t>(call));
      sequences.Add(id.sequence);
      nonces.Add(id.nonce);
      consumers.AddText(ack.consumer);
      outcomes.Add(static_cast<int64_t>(ack.outcome));
      if (ack.reply) {
        replies.AddBytes(*ack.reply);
      } else {
        replies.AddNull();
      }
      errors.AddText(ack.error);
      steps.Add(ack.step);
    }
  }
  run_nos_ = std::move(run_nos).Finish();
  known_sequences_ = std::move(known_sequences).FinishUnlessBlank();
  known_changes_ = std::move(known_changes).FinishUnlessBlank();
  runs_ = std::move(runs).Finish();
  places_in_run_ = std::move(places_in_run).Finish();
  calls_ = std::move(calls).Finish();
  sequences_ = std::move(sequences).Finish();
  nonces_ = std::move(nonces).Finish();
  consumers_ = std::move(consumers).Finish();
  outcomes_ = std::move(outcomes).FinishUnlessBlank();
  replies_ = std::move(replies).FinishUnlessBlank();
  errors_ = std::move(errors).FinishUnlessBlank();
  steps_ = std::move(steps).FinishUnlessBlank();
}

pqxx::result AckStatement::Send(Transaction& transaction) const {
  return transaction.Exec(sql::kAckMessages, run_nos_, known_sequences_, known_changes_, places_in_run_,
                          runs_, calls_, sequences_, nonces_, consumers_, outcomes_, replies_, errors_,
                          steps_);
}

pqxx::result AckStatement::SendAlone(Transaction& transaction, const Position& known) const {
  const AckCall& ack = *acks_.front();
  const MessageId& id = ack.ids.front();
  return transaction.Exec(sql::kAckMessage, id.run_no, known.sequence, known.change, id.sequence, id.nonce,
                          ack.consumer, static_cast<int>(ack.outcome), ack.reply.has_value(),
                          pqxx::binarystring(ack.reply.value_or("")), ack.error, ack.step);
}

void AckStatement::Run(Transaction& transaction, GroupOutcome& outcome) const {
  const pqxx::result rows = alone_ ? SendAlone(transaction, *alone_) : Send(transaction);
  const MessageColumns columns(rows);
  const auto run_id = rows.column_number("run_id");
  const auto head_sequence = rows.column_number("head_sequence");
  const auto head_change = rows.column_number("head_change");
  std::vector<RunChanges> changed;
  ChangesByRun changes(changed);
  const std::vector<pqxx::result::size_type> row_of = RowsByItem(rows);
  size_t item = 0;
  for (const AckCall* call : acks_) {
    Acked& acked = outcome.acked.emplace_back();
    for (size_t i = 0; i < call->ids.size(); ++i) {
      const pqxx::row row = rows[row_of[item++]];
      if (row[columns.sequence].is_null()) {
        acked.status =
            absl::NotFoundError("message_ids: at least one of them does not exist; nothing was acked");
        continue;
      }
      auto message =
          std::make_shared<const Message>(MessageFrom(row, columns, row[run_id].as<std::string>()));
      const auto before = row[head_change].as<int64_t>();
      outcome.touched.push_back(message->id);
      if (message->change > before) {
        RunChanges& change = changes.Of(message->id.run_no, {row[head_sequence].as<int64_t>(), before});
        change.to.change = std::max(change.to.change, message->change);
        change.withdrawals.push_back(
            {message->id, message->key, message->state, message->consumer, message->change});
      }
      acked.messages.push_back(std::move(message));
    }
  }
  for (RunChanges& change : changed) {
    std::ranges::sort(change.withdrawals, {}, &Withdrawal::change);
    outcome.changes.push_back(std::move(change));
  }
}

}  // namespace signalbox::service
