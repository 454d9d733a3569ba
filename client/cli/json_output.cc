#include "cli/json_output.h"

#include <cmath>
#include <cstdint>

#include "cli/printable.h"
#include "cli/time_text.h"

namespace signalbox::cli {
namespace {

OrderedJson Name(std::string_view name) { return std::string(name); }

OrderedJson TimeOrNull(absl::Time time) {
  if (time == absl::InfiniteFuture()) return nullptr;
  return IsoTime(time);
}

// Whole numbers print as such, "30" and not "30.0", as far as they are exact.
OrderedJson Number(double number) {
  constexpr double kLargestExact = 9007199254740992.0;
  const bool whole = std::trunc(number) == number && std::abs(number) <= kLargestExact;
  if (whole && (number != 0 || !std::signbit(number))) return static_cast<int64_t>(number);
  return number;
}

}  // namespace

OrderedJson ToJson(const Value& value) {
  if (const bool* boolean = value.as_bool()) return *boolean;
  if (const double* number = value.as_number()) return Number(*number);
  if (const std::string* text = value.as_string()) return *text;
  if (const Value::List* list = value.as_list()) {
    OrderedJson elements = OrderedJson::array();
    for (const Value& element : *list) elements.push_back(ToJson(element));
    return elements;
  }
  if (const Value::Object* object = value.as_object()) {
    OrderedJson fields = OrderedJson::object();
    for (const auto& [key, field] : *object) fields[key] = ToJson(field);
    return fields;
  }
  return nullptr;
}

OrderedJson ToJson(const Message& message) {
  OrderedJson json = {
      {"id", message.id},
      {"run_id", message.run_id},
      {"sequence", message.sequence},
      {"key", message.key},
      {"value", ToJson(message.value)},
      {"kind", Name(ToString(message.kind))},
      {"state", Name(ToString(message.state))},
      {"publisher", message.publisher},
      {"reason", message.reason},
      {"create_time", TimeOrNull(message.create_time)},
      {"expire_time", TimeOrNull(message.expire_time)},
      {"consumer", message.consumer},
      {"ack_time", TimeOrNull(message.ack_time)},
      {"finish_time", TimeOrNull(message.finish_time)},
  };
  if (message.reply) json["reply"] = ToJson(*message.reply);
  json["error"] = message.error;
  json["step"] = message.step;
  return json;
}

OrderedJson ToJson(const Run& run) {
  OrderedJson labels = OrderedJson::object();
  for (const auto& [name, value] : run.labels) labels[name] = value;
  return {
      {"id", run.id},
      {"project", run.project},
      {"rank", run.rank},
      {"title", run.title},
      {"labels", labels},
      {"state", Name(ToString(run.state))},
      {"outcome", run.outcome == RunOutcome::kUnspecified ? OrderedJson() : Name(ToString(run.outcome))},
      {"create_time", TimeOrNull(run.create_time)},
      {"end_time", TimeOrNull(run.end_time)},
      {"head_sequence", run.head_sequence},
      {"pending_count", run.pending_count},
      {"keys", ToJson(run.keys)},
  };
}

OrderedJson ToJson(const KeyDeclaration& declaration) {
  return {{"key", declaration.key},
          {"kind", Name(ToString(declaration.kind))},
          {"description", declaration.description}};
}

OrderedJson ToJson(const AckResult& result) {
  return {
      {"message_id", result.message_id}, {"claimed", result.claimed}, {"message", ToJson(result.message)}};
}

OrderedJson ToJson(const WatchEvent& event) {
  switch (event.type) {
    case WatchEvent::Type::kMessage:
      return {{"event", "message"}, {"message", ToJson(event.message)}};
    case WatchEvent::Type::kWithdrawn:
      return {{"event", "withdrawn"},
              {"message_id", event.message.id},
              {"state", Name(ToString(event.message.state))},
              {"consumer", event.message.consumer}};
    case WatchEvent::Type::kSynced:
      return {{"event", "synced"}, {"cursor", event.cursor}};
    case WatchEvent::Type::kInterrupted:
      return {{"event", "interrupted"}, {"error", event.error.ToString()}};
    case WatchEvent::Type::kRunEnded:
      return {{"event", "run_ended"}, {"outcome", Name(ToString(event.outcome))}};
  }
  return nullptr;
}

std::string JsonText(const OrderedJson& json, JsonLayout layout) {
  const int indent = layout == JsonLayout::kPretty ? 2 : -1;
  return PrintableJson(json.dump(indent, ' ', false, OrderedJson::error_handler_t::replace));
}

}  // namespace signalbox::cli
