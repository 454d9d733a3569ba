// Requests as they arrive: the first byte tells which, the others are what protobuf made of it. What is
// accepted obeys every limit; a refusal says what is wrong with which field.
#include "service/rpc/request_parser.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzz.h"

namespace signalbox::service {
namespace {

const Limits kLimits;

bool IsText(const std::string& text, size_t limit) {
  return text.size() <= limit && text.find('\0') == std::string::npos;
}
bool IsKey(const std::string& key) {
  return !key.empty() && key.size() <= kLimits.key_bytes && key.front() != ' ' && key.back() != ' ' &&
         std::ranges::none_of(key, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}
bool AreKeys(const std::vector<std::string>& keys) {
  return keys.size() <= kLimits.filter_keys && std::ranges::all_of(keys, IsKey);
}
bool IsRun(const RunRef& run) {
  if (!run.id.empty()) return run.id.size() <= kLimits.run_id_bytes && run.project.empty() && run.rank == 0;
  return !run.project.empty() && run.project.size() <= kLimits.project_bytes && run.rank > 0;
}
bool IsId(const MessageId& id) { return id.run_no > 0 && id.sequence > 0; }
bool IsPage(int size) { return size > 0 && size <= kLimits.page_size; }
bool AreLabels(const std::map<std::string, std::string>& labels) {
  return labels.size() <= kLimits.labels && std::ranges::all_of(labels, [](const auto& label) {
           return !label.first.empty() && IsText(label.first, kLimits.label_bytes) &&
                  IsText(label.second, kLimits.label_bytes);
         });
}
bool AreDeclarations(const std::vector<KeyDeclaration>& keys) {
  return std::cmp_less_equal(keys.size(), kLimits.declared_keys) &&
         std::ranges::all_of(keys, [](const KeyDeclaration& declaration) {
           return IsKey(declaration.key) && declaration.kind != Kind::kUnspecified &&
                  IsText(declaration.description, kLimits.description_bytes);
         });
}
bool IsRepeatable(const std::string& request_id, const std::string& fingerprint) {
  return request_id.size() <= kLimits.request_id_bytes && fingerprint.size() == (request_id.empty() ? 0 : 32);
}
// Of a stored value only the size: value_codec.cc looks at the rest.
bool IsValue(const std::string& bytes, size_t limit) {
  google::protobuf::Value value;
  return bytes.size() <= limit && value.ParseFromString(bytes) &&
         value.kind_case() != google::protobuf::Value::KIND_NOT_SET;
}

bool Obeys(const NewMessage& message) {
  return IsRun(message.run) && IsKey(message.key) && IsValue(message.value, kLimits.value_bytes) &&
         v1::Kind_IsValid(static_cast<int>(message.kind)) && message.ttl > absl::ZeroDuration() &&
         (message.ttl <= kLimits.ttl || message.ttl == absl::InfiniteDuration()) &&
         IsText(message.reason, kLimits.reason_bytes) && message.publisher.empty() &&
         IsRepeatable(message.request_id, message.fingerprint);
}
bool Obeys(const std::vector<absl::StatusOr<NewMessage>>& messages) {
  return !messages.empty() && messages.size() <= kLimits.publishes &&
         std::ranges::all_of(messages, [](const auto& message) { return !message.ok() || Obeys(*message); });
}
bool Obeys(const GetQuery& query) { return IsRun(query.run) && IsKey(query.key); }
bool Obeys(const Paged<PendingQuery>& paged) {
  return IsRun(paged.query.run) && AreKeys(paged.query.keys) && IsPage(paged.query.limit.rows);
}
bool Obeys(const AckRequest& request) {
  const AckCall& call = request.call;
  if (call.outcome == AckOutcome::kUnspecified && (call.reply || !call.error.empty() || call.step != 0)) {
    return false;
  }
  if (request.message_ids.size() != request.place.size()) return false;
  for (size_t i = 0; i < request.place.size(); ++i) {
    if (Encode(call.ids.at(request.place[i])) != request.message_ids[i]) return false;
  }
  return !call.ids.empty() && request.message_ids.size() <= kLimits.ack_ids &&
         std::ranges::all_of(call.ids, IsId) && !call.consumer.empty() &&
         IsText(call.consumer, kLimits.consumer_bytes) && IsText(call.error, kLimits.error_bytes) &&
         call.step >= 0 && (!call.reply || IsValue(*call.reply, kLimits.reply_bytes));
}
bool Obeys(const SubscribeQuery& query) {
  return IsRun(query.run) && AreKeys(query.keys) && AreDeclarations(query.declare_keys);
}
bool Obeys(const AwaitQuery& query) {
  return IsId(query.id) && query.timeout >= absl::ZeroDuration() && query.timeout <= kLimits.await;
}
bool Obeys(const CancelQuery& query) { return IsId(query.id) && IsText(query.reason, kLimits.error_bytes); }
bool Obeys(const Paged<HistoryQuery>& paged) {
  return IsRun(paged.query.run) && AreKeys(paged.query.keys) && IsPage(paged.query.limit.rows) &&
         std::ranges::all_of(paged.query.states, [](MessageState state) {
           return state != MessageState::kUnspecified && v1::MessageState_IsValid(static_cast<int>(state));
         });
}
bool Obeys(const NewRun& run) {
  return !run.project.empty() && run.project.size() <= kLimits.project_bytes &&
         run.id.size() <= kLimits.run_id_bytes && IsText(run.title, kLimits.title_bytes) &&
         AreLabels(run.labels) && IsRepeatable(run.request_id, run.fingerprint);
}
bool Obeys(const RunRef& run) { return IsRun(run); }
bool Obeys(const Paged<RunQuery>& paged) {
  return paged.query.project.size() <= kLimits.project_bytes && AreLabels(paged.query.labels) &&
         v1::RunState_IsValid(static_cast<int>(paged.query.state)) && IsPage(paged.query.limit);
}
bool Obeys(const EndQuery& query) { return IsRun(query.run) && query.outcome != RunOutcome::kUnspecified; }
bool Obeys(const DeclareQuery& query) {
  return IsRun(query.run) && !query.keys.empty() && AreDeclarations(query.keys);
}

// Whether the text says which field is wrong; "request" is said of the whole.
bool NamesAField(const google::protobuf::Message& request, absl::string_view text) {
  const google::protobuf::Descriptor& fields = *request.GetDescriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    if (absl::StrContains(text, fields.field(i)->name())) return true;
  }
  return absl::StartsWith(text, "request ");
}

// The next page of a list is asked for with a token of this query, and of no other.
template <typename Request, typename Query>
void CheckPaging(Request request, const Paged<Query>& paged) {
  request.set_page_token(Encode(PageToken{.query = paged.fingerprint, .after = 7}));
  const absl::StatusOr<Paged<Query>> next = RequestParser(kLimits).Parse(request);
  SIGNALBOX_PROPERTY(next.ok() && next->token && next->token->after == 7);
  request.set_page_token(Encode(PageToken{.query = paged.fingerprint + 1, .after = 7}));
  SIGNALBOX_PROPERTY(absl::IsInvalidArgument(RequestParser(kLimits).Parse(request).status()));
}

template <typename Request>
void Check(std::string_view bytes) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const auto parsed = RequestParser(kLimits).Parse(request);
  if (!parsed.ok()) {
    SIGNALBOX_PROPERTY(absl::IsInvalidArgument(parsed.status()) || absl::IsNotFound(parsed.status()));
    SIGNALBOX_PROPERTY(NamesAField(request, parsed.status().message()));
    return;
  }
  SIGNALBOX_PROPERTY(Obeys(*parsed));
  if constexpr (requires { request.page_token(); }) CheckPaging(request, *parsed);
}

// Whether a retry of what was accepted is the same request, and one with another content is not.
template <typename Request>
void CheckFingerprint(std::string_view bytes) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  request.set_request_id("again");
  const auto first = RequestParser(kLimits).Parse(request);
  if (!first.ok()) return;
  Request retry;
  SIGNALBOX_PROPERTY(retry.ParseFromString(request.SerializeAsString()));
  SIGNALBOX_PROPERTY(RequestParser(kLimits).Parse(retry)->fingerprint == first->fingerprint);
}

void CheckAny(char which, std::string_view bytes) {
  switch (which) {
    case 'P':
      CheckFingerprint<v1::PublishRequest>(bytes);
      return Check<v1::PublishRequest>(bytes);
    case 'M':
      return Check<v1::PublishManyRequest>(bytes);
    case 'G':
      return Check<v1::GetRequest>(bytes);
    case 'A':
      return Check<v1::GetAllRequest>(bytes);
    case 'K':
      return Check<v1::AckRequest>(bytes);
    case 'S':
      return Check<v1::SubscribeRequest>(bytes);
    case 'W':
      return Check<v1::AwaitRequest>(bytes);
    case 'C':
      return Check<v1::CancelRequest>(bytes);
    case 'H':
      return Check<v1::ListMessagesRequest>(bytes);
    case 'N':
      CheckFingerprint<v1::CreateRunRequest>(bytes);
      return Check<v1::CreateRunRequest>(bytes);
    case 'R':
      return Check<v1::GetRunRequest>(bytes);
    case 'L':
      return Check<v1::ListRunsRequest>(bytes);
    case 'E':
      return Check<v1::EndRunRequest>(bytes);
    case 'D':
      return Check<v1::DeclareKeysRequest>(bytes);
    default:
      return;
  }
}

}  // namespace
}  // namespace signalbox::service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);  // It reports each text that is not UTF-8.
  const std::string_view bytes = signalbox::fuzz::TextOf(data, size);
  if (!bytes.empty()) signalbox::service::CheckAny(bytes.front(), bytes.substr(1));
  return 0;
}
