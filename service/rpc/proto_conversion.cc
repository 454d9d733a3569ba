#include "service/rpc/proto_conversion.h"

namespace signalbox::service {
namespace {

template <typename Setter>
void SetTime(absl::Time time, Setter mutable_field) {
  if (time != absl::InfiniteFuture()) ToProto(time, mutable_field());
}

void Fill(const ProgressEvent& event, const Cursor& cursor, absl::Time now, v1::SubscribeResponse* out) {
  v1::Progress* progress = out->mutable_progress();
  progress->set_cursor(Encode(cursor));
  progress->set_head_sequence(event.head_sequence);
  progress->set_synced(event.synced);
  progress->set_stale(event.stale);
  ToProto(now, progress->mutable_server_time());
}

void Fill(const Withdrawal& withdrawal, v1::Withdrawn* out) {
  out->set_message_id(Encode(withdrawal.id));
  out->set_state(static_cast<v1::MessageState>(withdrawal.state));
  out->set_consumer(withdrawal.consumer);
}

}  // namespace

void ToProto(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void ToProto(const Message& message, v1::Message* out) {
  out->set_id(Encode(message.id));
  out->set_run_id(message.run_id);
  out->set_sequence(message.id.sequence);
  out->set_key(message.key);
  out->mutable_value()->ParseFromString(message.value);
  out->set_kind(static_cast<v1::Kind>(message.kind));
  out->set_state(static_cast<v1::MessageState>(message.state));
  out->set_publisher(message.publisher);
  out->set_reason(message.reason);
  SetTime(message.create_time, [out] { return out->mutable_create_time(); });
  SetTime(message.expire_time, [out] { return out->mutable_expire_time(); });
  out->set_consumer(message.consumer);
  SetTime(message.ack_time, [out] { return out->mutable_ack_time(); });
  SetTime(message.finish_time, [out] { return out->mutable_finish_time(); });
  if (message.reply) out->mutable_reply()->ParseFromString(*message.reply);
  out->set_error(message.error);
  out->set_step(message.step);
}

void ToProto(const Run& run, v1::Run* out) {
  out->set_id(run.id);
  out->set_project(run.project);
  out->set_rank(run.rank);
  out->set_title(run.title);
  out->mutable_labels()->insert(run.labels.begin(), run.labels.end());
  out->set_state(static_cast<v1::RunState>(run.state));
  out->set_outcome(static_cast<v1::RunOutcome>(run.outcome));
  SetTime(run.create_time, [out] { return out->mutable_create_time(); });
  SetTime(run.end_time, [out] { return out->mutable_end_time(); });
  out->set_head_sequence(run.head_sequence);
  out->set_pending_count(run.pending_count);
  for (const KeyDeclaration& key : run.keys) {
    v1::KeyDeclaration* declaration = out->add_keys();
    declaration->set_key(key.key);
    declaration->set_kind(static_cast<v1::Kind>(key.kind));
    declaration->set_description(key.description);
  }
}

void ToProto(const FeedEvent& event, Cursor cursor, absl::Time now, v1::SubscribeResponse* out) {
  if (const auto* message = std::get_if<MessagePtr>(&event)) {
    ToProto(**message, out->mutable_message());
  } else if (const auto* withdrawal = std::get_if<Withdrawal>(&event)) {
    Fill(*withdrawal, out->mutable_withdrawn());
  } else if (const auto* progress = std::get_if<ProgressEvent>(&event)) {
    cursor.position = progress->position;
    Fill(*progress, cursor, now, out);
  } else {
    out->mutable_run_ended()->set_outcome(
        static_cast<v1::RunOutcome>(std::get<RunEndedEvent>(event).outcome));
  }
}

}  // namespace signalbox::service
