#include "service/postgres/row_reader.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace signalbox::service {
namespace {

std::string TextFrom(const pqxx::field& field) {
  return field.is_null() ? std::string() : field.as<std::string>();
}

}  // namespace

absl::Time TimeFrom(const pqxx::field& field) {
  return field.is_null() ? absl::InfiniteFuture() : absl::FromUnixMicros(field.as<int64_t>());
}

std::string BytesFrom(const pqxx::field& field) { return pqxx::binarystring(field).str(); }

int64_t IntFrom(const pqxx::field& field) { return field.is_null() ? 0 : field.as<int64_t>(); }

MessageColumns::MessageColumns(const pqxx::result& rows)
    : run_no(rows.column_number("run_no")),
      sequence(rows.column_number("sequence")),
      nonce(rows.column_number("nonce")),
      key(rows.column_number("key")),
      value(rows.column_number("value")),
      kind(rows.column_number("kind")),
      state(rows.column_number("state")),
      publisher(rows.column_number("publisher")),
      reason(rows.column_number("reason")),
      create_time(rows.column_number("create_time")),
      expire_time(rows.column_number("expire_time")),
      consumer(rows.column_number("consumer")),
      ack_time(rows.column_number("ack_time")),
      finish_time(rows.column_number("finish_time")),
      reply(rows.column_number("reply")),
      error(rows.column_number("error")),
      step(rows.column_number("step")),
      change(rows.column_number("change")) {}

Message MessageFrom(const pqxx::row& row, const MessageColumns& columns, std::string run_id) {
  Message message;
  message.id = {row[columns.run_no].as<int64_t>(), row[columns.sequence].as<int64_t>(),
                row[columns.nonce].as<int64_t>()};
  message.run_id = std::move(run_id);
  message.key = row[columns.key].as<std::string>();
  message.value = BytesFrom(row[columns.value]);
  message.kind = static_cast<Kind>(row[columns.kind].as<int>());
  message.state = static_cast<MessageState>(row[columns.state].as<int>());
  message.publisher = row[columns.publisher].as<std::string>();
  message.reason = row[columns.reason].as<std::string>();
  message.create_time = TimeFrom(row[columns.create_time]);
  message.expire_time = TimeFrom(row[columns.expire_time]);
  message.consumer = TextFrom(row[columns.consumer]);
  message.ack_time = TimeFrom(row[columns.ack_time]);
  message.finish_time = TimeFrom(row[columns.finish_time]);
  if (!row[columns.reply].is_null()) message.reply = BytesFrom(row[columns.reply]);
  message.error = TextFrom(row[columns.error]);
  message.step = row[columns.step].as<int64_t>();
  message.change = IntFrom(row[columns.change]);
  return message;
}

Run RunFrom(const pqxx::row& row) {
  Run run;
  run.run_no = row["run_no"].as<int64_t>();
  run.id = row["id"].as<std::string>();
  run.project = row["project"].as<std::string>();
  run.rank = row["rank"].as<int64_t>();
  run.title = row["title"].as<std::string>();
  run.labels =
      nlohmann::json::parse(row["labels"].as<std::string>()).get<std::map<std::string, std::string>>();
  run.outcome = static_cast<RunOutcome>(row["outcome"].as<int>());
  run.create_time = TimeFrom(row["create_time"]);
  run.end_time = TimeFrom(row["end_time"]);
  run.state = row["end_time"].is_null() ? RunState::kActive : RunState::kEnded;
  run.head_sequence = row["head_sequence"].as<int64_t>();
  run.pending_count = row["pending_count"].as<int64_t>();
  if (!row["keys"].is_null()) {
    for (const nlohmann::json& key : nlohmann::json::parse(row["keys"].as<std::string>())) {
      run.keys.push_back({key[0], static_cast<Kind>(key[1].get<int>()), key[2]});
    }
  }
  return run;
}

}  // namespace signalbox::service
