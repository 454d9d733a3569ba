#include "grpc_conversion.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "grpc_enum_conversion.h"

namespace signalbox::internal {
namespace {

namespace pb = google::protobuf;

// What the server takes in one PublishMany.
constexpr std::size_t kMaxPublishes = 1000;
constexpr std::size_t kMaxRequestBytes = 1 << 20;
// Tag and length of a request within the call, at most.
constexpr std::size_t kMaxFieldHead = 5;

absl::Time TimeOf(bool is_set, const pb::Timestamp& time, absl::Time otherwise) {
  if (!is_set) return otherwise;
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace

void ToProto(const Value& value, pb::Value* proto) {
  if (const bool* flag = value.as_bool()) {
    proto->set_bool_value(*flag);
  } else if (const double* number = value.as_number()) {
    proto->set_number_value(*number);
  } else if (const std::string* text = value.as_string()) {
    proto->set_string_value(*text);
  } else if (const Value::List* list = value.as_list()) {
    pb::ListValue* elements = proto->mutable_list_value();
    for (const Value& element : *list) ToProto(element, elements->add_values());
  } else if (const Value::Object* object = value.as_object()) {
    auto& fields = *proto->mutable_struct_value()->mutable_fields();
    for (const auto& [key, element] : *object) ToProto(element, &fields[key]);
  } else {
    proto->set_null_value(pb::NULL_VALUE);
  }
}

void ToProto(const RunRef& run, v1::RunRef* proto) {
  proto->set_id(run.id);
  proto->set_project(run.project);
  proto->set_rank(run.rank);
}

void ToProto(const KeyDeclaration& declaration, v1::KeyDeclaration* proto) {
  proto->set_key(declaration.key);
  proto->set_kind(ToProto(declaration.kind));
  proto->set_description(declaration.description);
}

void ToProto(absl::Duration duration, pb::Duration* proto) {
  absl::Duration rest;
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

void ToProto(absl::Time time, pb::Timestamp* proto) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto->set_seconds(seconds);
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void ToProto(const Message& message, v1::Message* proto) {
  proto->set_id(message.id);
  proto->set_run_id(message.run_id);
  proto->set_sequence(message.sequence);
  proto->set_key(message.key);
  ToProto(message.value, proto->mutable_value());
  proto->set_kind(ToProto(message.kind));
  proto->set_state(ToProto(message.state));
  proto->set_publisher(message.publisher);
  proto->set_reason(message.reason);
  if (message.create_time != absl::InfiniteFuture())
    ToProto(message.create_time, proto->mutable_create_time());
  if (message.expire_time != absl::InfiniteFuture())
    ToProto(message.expire_time, proto->mutable_expire_time());
  proto->set_error(message.error);
}

v1::PublishRequest ToProto(const PublishRequest& request) {
  v1::PublishRequest proto;
  ToProto(request.run, proto.mutable_run());
  proto.set_key(request.key);
  ToProto(request.value, proto.mutable_value());
  proto.set_kind(ToProto(request.kind));
  proto.set_request_id(request.request_id);
  if (request.ttl != absl::InfiniteDuration()) ToProto(request.ttl, proto.mutable_ttl());
  proto.set_reason(request.reason);
  return proto;
}

v1::PublishManyRequest ToProto(std::span<const PublishRequest* const> requests) {
  v1::PublishManyRequest proto;
  std::size_t bytes = 0;
  for (const PublishRequest* request : requests.first(std::min(requests.size(), kMaxPublishes))) {
    v1::PublishRequest one = ToProto(*request);
    bytes += one.ByteSizeLong() + kMaxFieldHead;
    if (bytes > kMaxRequestBytes && !proto.requests().empty()) break;
    *proto.add_requests() = std::move(one);
  }
  return proto;
}

v1::AckRequest ToProto(const std::vector<std::string>& message_ids, const std::string& consumer,
                       const Ack& ack) {
  v1::AckRequest proto;
  proto.mutable_message_ids()->Assign(message_ids.begin(), message_ids.end());
  proto.set_consumer(consumer);
  proto.set_outcome(ToProto(ack.outcome));
  if (ack.reply.has_value()) ToProto(*ack.reply, proto.mutable_reply());
  proto.set_error(ack.error);
  proto.set_step(ack.step);
  return proto;
}

v1::SubscribeRequest ToProto(const StreamRequest& request) {
  v1::SubscribeRequest proto;
  ToProto(request.run, proto.mutable_run());
  proto.mutable_keys()->Assign(request.keys.begin(), request.keys.end());
  proto.set_consumer(request.consumer);
  proto.set_cursor(request.cursor);
  return proto;
}

v1::GetAllRequest ToGetAllRequest(const RunRef& run, const std::vector<std::string>& keys,
                                  const std::string& page_token) {
  v1::GetAllRequest proto;
  ToProto(run, proto.mutable_run());
  proto.mutable_keys()->Assign(keys.begin(), keys.end());
  proto.set_page_token(page_token);
  return proto;
}

v1::ListMessagesRequest ToProto(const ListMessagesRequest& request, int page_size,
                                const std::string& page_token) {
  v1::ListMessagesRequest proto;
  ToProto(request.run, proto.mutable_run());
  proto.mutable_keys()->Assign(request.keys.begin(), request.keys.end());
  for (const MessageState state : request.states) proto.add_states(ToProto(state));
  proto.set_page_size(page_size);
  proto.set_page_token(page_token);
  return proto;
}

v1::CreateRunRequest ToProto(const CreateRunRequest& request, const std::string& request_id) {
  v1::CreateRunRequest proto;
  proto.set_project(request.project);
  proto.set_run_id(request.run_id);
  proto.set_title(request.title);
  proto.mutable_labels()->insert(request.labels.begin(), request.labels.end());
  proto.set_request_id(request_id);
  return proto;
}

v1::ListRunsRequest ToProto(const ListRunsRequest& request, int page_size, const std::string& page_token) {
  v1::ListRunsRequest proto;
  proto.set_project(request.project);
  proto.set_state(ToProto(request.state));
  proto.mutable_labels()->insert(request.labels.begin(), request.labels.end());
  proto.set_page_size(page_size);
  proto.set_page_token(page_token);
  return proto;
}

v1::DeclareKeysRequest ToDeclareKeysRequest(const RunRef& run, const std::vector<KeyDeclaration>& keys) {
  v1::DeclareKeysRequest proto;
  ToProto(run, proto.mutable_run());
  for (const KeyDeclaration& key : keys) ToProto(key, proto.add_keys());
  return proto;
}

Value FromProto(const pb::Value& proto) {
  switch (proto.kind_case()) {
    case pb::Value::kBoolValue:
      return proto.bool_value();
    case pb::Value::kNumberValue:
      return proto.number_value();
    case pb::Value::kStringValue:
      return proto.string_value();
    case pb::Value::kListValue: {
      Value::List list;
      list.reserve(proto.list_value().values_size());
      for (const pb::Value& element : proto.list_value().values()) list.push_back(FromProto(element));
      return list;
    }
    case pb::Value::kStructValue: {
      Value::Object object;
      for (const auto& [key, element] : proto.struct_value().fields())
        object.emplace(key, FromProto(element));
      return object;
    }
    case pb::Value::kNullValue:
    case pb::Value::KIND_NOT_SET:
      break;
  }
  return {};
}

Message FromProto(const v1::Message& proto) {
  Message message;
  message.id = proto.id();
  message.run_id = proto.run_id();
  message.sequence = proto.sequence();
  message.key = proto.key();
  message.value = FromProto(proto.value());
  message.kind = FromProto(proto.kind());
  message.state = FromProto(proto.state());
  message.publisher = proto.publisher();
  message.reason = proto.reason();
  constexpr absl::Time kNotYet = absl::InfiniteFuture();
  message.create_time = TimeOf(proto.has_create_time(), proto.create_time(), kNotYet);
  message.expire_time = TimeOf(proto.has_expire_time(), proto.expire_time(), kNotYet);
  message.consumer = proto.consumer();
  message.ack_time = TimeOf(proto.has_ack_time(), proto.ack_time(), kNotYet);
  message.finish_time = TimeOf(proto.has_finish_time(), proto.finish_time(), kNotYet);
  if (proto.has_reply()) message.reply = FromProto(proto.reply());
  message.error = proto.error();
  message.step = proto.step();
  return message;
}

Run FromProto(const v1::Run& proto) {
  Run run;
  run.id = proto.id();
  run.project = proto.project();
  run.rank = proto.rank();
  run.title = proto.title();
  run.labels.insert(proto.labels().begin(), proto.labels().end());
  run.state = FromProto(proto.state());
  run.outcome = FromProto(proto.outcome());
  constexpr absl::Time kNotYet = absl::InfiniteFuture();
  run.create_time = TimeOf(proto.has_create_time(), proto.create_time(), kNotYet);
  run.end_time = TimeOf(proto.has_end_time(), proto.end_time(), kNotYet);
  run.head_sequence = proto.head_sequence();
  run.pending_count = proto.pending_count();
  for (const v1::KeyDeclaration& key : proto.keys()) {
    run.keys.push_back({key.key(), FromProto(key.kind()), key.description()});
  }
  return run;
}

PublishResult FromProto(const v1::PublishResponse& proto) {
  const auto& superseded = proto.superseded_ids();
  return {FromProto(proto.message()), {superseded.begin(), superseded.end()}};
}

std::vector<absl::StatusOr<PublishResult>> FromProto(const v1::PublishManyResponse& proto) {
  std::vector<absl::StatusOr<PublishResult>> results;
  for (const v1::PublishResult& result : proto.results()) {
    const absl::Status error(static_cast<absl::StatusCode>(result.error().code()), result.error().message());
    if (result.has_response()) {
      results.emplace_back(FromProto(result.response()));
    } else {
      results.emplace_back(error.ok() ? absl::InternalError("the server gave no result") : error);
    }
  }
  return results;
}

std::vector<AckResult> FromProto(const v1::AckResponse& proto) {
  std::vector<AckResult> results;
  for (const v1::AckResult& result : proto.results()) {
    results.push_back({result.message_id(), result.claimed(), FromProto(result.message())});
  }
  return results;
}

MessagePage FromProto(const v1::GetAllResponse& proto) {
  MessagePage page;
  for (const v1::Message& message : proto.messages()) page.messages.push_back(FromProto(message));
  page.next_page_token = proto.next_page_token();
  return page;
}

MessagePage FromProto(const v1::ListMessagesResponse& proto) {
  MessagePage page;
  for (const v1::Message& message : proto.messages()) page.messages.push_back(FromProto(message));
  page.next_page_token = proto.next_page_token();
  return page;
}

RunPage FromProto(const v1::ListRunsResponse& proto) {
  RunPage page;
  for (const v1::Run& run : proto.runs()) page.runs.push_back(FromProto(run));
  page.next_page_token = proto.next_page_token();
  return page;
}

WireEvent FromProto(const v1::SubscribeResponse& proto) {
  switch (proto.event_case()) {
    case v1::SubscribeResponse::kMessage:
      return StreamMessage{FromProto(proto.message())};
    case v1::SubscribeResponse::kWithdrawn: {
      const v1::Withdrawn& withdrawn = proto.withdrawn();
      return StreamWithdrawn{withdrawn.message_id(), FromProto(withdrawn.state()), withdrawn.consumer()};
    }
    case v1::SubscribeResponse::kProgress: {
      const v1::Progress& progress = proto.progress();
      return StreamProgress{progress.cursor(), progress.head_sequence(), progress.synced(), progress.stale(),
                            TimeOf(progress.has_server_time(), progress.server_time(), absl::InfinitePast())};
    }
    case v1::SubscribeResponse::kRunEnded:
      return StreamRunEnded{FromProto(proto.run_ended().outcome())};
    case v1::SubscribeResponse::EVENT_NOT_SET:
      break;
  }
  return StreamUnknown{};
}

}  // namespace signalbox::internal
