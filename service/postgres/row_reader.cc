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

Message MessageFrom(const pqxx::row& row, std::string run_id) {
  Message message;
  message.id = {row["run_no"].as<int64_t>(), row["sequence"].as<int64_t>(), row["nonce"].as<int64_t>()};
  message.run_id = std::move(run_id);
  message.key = row["key"].as<std::string>();
  message.value = BytesFrom(row["value"]);
  message.kind = static_cast<Kind>(row["kind"].as<int>());
  message.state = static_cast<MessageState>(row["state"].as<int>());
  message.publisher = row["publisher"].as<std::string>();
  message.reason = row["reason"].as<std::string>();
  message.create_time = TimeFrom(row["create_time"]);
  message.expire_time = TimeFrom(row["expire_time"]);
  message.consumer = TextFrom(row["consumer"]);
  message.ack_time = TimeFrom(row["ack_time"]);
  message.finish_time = TimeFrom(row["finish_time"]);
  if (!row["reply"].is_null()) message.reply = BytesFrom(row["reply"]);
  message.error = TextFrom(row["error"]);
  message.step = row["step"].as<int64_t>();
  message.change = IntFrom(row["change"]);
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
