#include "service/rpc/request_parser.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "service/domain/text_rules.h"
#include "service/rpc/field_rules.h"
#include "service/rpc/value_codec.h"

// Returns from the function when `expression` is an error; the order of checks in each parser is the
// order of fields in the request, and a run that cannot exist comes last.
#define SIGNALBOX_RETURN_IF_ERROR(expression)                               \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

namespace signalbox::service {
namespace {

// Whether a run reference must be answered before anything else is looked at.
absl::Status Malformed(const absl::StatusOr<RunRef>& run) {
  return absl::IsInvalidArgument(run.status()) ? run.status() : absl::OkStatus();
}

absl::Status CheckCount(absl::string_view field, size_t count, size_t limit) {
  if (count == 0) return absl::InvalidArgumentError(absl::StrCat(field, " is required"));
  if (count <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " has ", count, " elements; the limit is ", limit));
}

absl::StatusOr<MessageId> ParseMessageId(absl::string_view field, const std::string& text) {
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat(field, " is required"));
  if (const std::optional<MessageId> id = DecodeMessageId(text)) return *id;
  return absl::NotFoundError(absl::StrCat(field, ": there is no such message"));
}

absl::StatusOr<absl::Duration> ParseTtl(const v1::PublishRequest& request, const Limits& limits) {
  if (!request.has_ttl()) return absl::InfiniteDuration();
  absl::StatusOr<absl::Duration> ttl = ParseDuration("ttl", request.ttl());
  if (!ttl.ok()) return ttl;
  if (*ttl <= absl::ZeroDuration()) return absl::InvalidArgumentError("ttl must be greater than 0");
  if (*ttl > limits.ttl) {
    return absl::InvalidArgumentError(absl::StrCat("ttl is ", absl::FormatDuration(*ttl), "; the limit is ",
                                                   absl::FormatDuration(limits.ttl)));
  }
  return ttl;
}

const google::protobuf::Value& OrNull(google::protobuf::Value&&) = delete;

// A value without a kind, at the top, is what many clients make of null.
const google::protobuf::Value& OrNull(const google::protobuf::Value& value) {
  static const google::protobuf::Value* const kNull = [] {
    auto* null = new google::protobuf::Value;
    null->set_null_value(google::protobuf::NULL_VALUE);
    return null;
  }();
  return value.kind_case() == google::protobuf::Value::KIND_NOT_SET ? *kNull : value;
}

// What the request says apart from the run and the request id; a retry must say the same.
std::string ContentOf(v1::PublishRequest request) {
  request.clear_run();
  request.clear_request_id();
  return Fingerprint(request);
}

}  // namespace

absl::StatusOr<NewMessage> RequestParser::Parse(const v1::PublishRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const absl::StatusOr<RunRef> run = ParseRun(request.run(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(Malformed(run));
  SIGNALBOX_RETURN_IF_ERROR(CheckKey("key", request.key(), limits_.key_bytes));
  absl::StatusOr<std::string> value =
      SerializeValue("value", OrNull(request.value()), limits_.value_depth, limits_.value_bytes);
  SIGNALBOX_RETURN_IF_ERROR(value.status());
  if (!v1::Kind_IsValid(request.kind())) return absl::InvalidArgumentError("kind is not a known kind");
  SIGNALBOX_RETURN_IF_ERROR(CheckSize("request_id", request.request_id().size(), limits_.request_id_bytes));
  const absl::StatusOr<absl::Duration> ttl = ParseTtl(request, limits_);
  SIGNALBOX_RETURN_IF_ERROR(ttl.status());
  SIGNALBOX_RETURN_IF_ERROR(CheckText("reason", request.reason(), limits_.reason_bytes));
  SIGNALBOX_RETURN_IF_ERROR(run.status());
  NewMessage message = {.run = *run, .key = request.key(), .value = *std::move(value)};
  message.kind = static_cast<Kind>(request.kind());
  message.request_id = request.request_id();
  if (!message.request_id.empty()) message.fingerprint = ContentOf(request);
  message.ttl = *ttl;
  message.reason = request.reason();
  return message;
}

absl::StatusOr<std::vector<absl::StatusOr<NewMessage>>> RequestParser::Parse(
    const v1::PublishManyRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const auto count = static_cast<size_t>(request.requests_size());
  SIGNALBOX_RETURN_IF_ERROR(CheckCount("requests", count, limits_.publishes));
  std::vector<absl::StatusOr<NewMessage>> parsed;
  parsed.reserve(count);
  for (const v1::PublishRequest& one : request.requests()) parsed.push_back(Parse(one));
  return parsed;
}

absl::StatusOr<GetQuery> RequestParser::Parse(const v1::GetRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const absl::StatusOr<RunRef> run = ParseRun(request.run(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(Malformed(run));
  SIGNALBOX_RETURN_IF_ERROR(CheckKey("key", request.key(), limits_.key_bytes));
  SIGNALBOX_RETURN_IF_ERROR(run.status());
  return GetQuery{*run, request.key()};
}

absl::StatusOr<Paged<PendingQuery>> RequestParser::Parse(const v1::GetAllRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const absl::StatusOr<RunRef> run = ParseRun(request.run(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(Malformed(run));
  absl::StatusOr<std::vector<std::string>> keys = ParseKeys(request.keys(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(keys.status());
  const absl::StatusOr<int> page_size = ParsePageSize(request.page_size(), limits_.page_size, limits_);
  SIGNALBOX_RETURN_IF_ERROR(page_size.status());
  v1::GetAllRequest selection = request;
  selection.clear_page_size();
  selection.clear_page_token();
  Paged<PendingQuery> paged;
  paged.fingerprint = QueryFingerprint(selection);
  absl::StatusOr<std::optional<PageToken>> token = ParsePageToken(request.page_token(), paged.fingerprint);
  SIGNALBOX_RETURN_IF_ERROR(token.status());
  SIGNALBOX_RETURN_IF_ERROR(run.status());
  paged.token = *std::move(token);
  paged.query = {.run = *run, .keys = *std::move(keys), .limit = {*page_size, limits_.page_bytes}};
  if (paged.token) {
    paged.query.after = paged.token->after;
    paged.query.up_to = paged.token->first_page.sequence;
  }
  return paged;
}

absl::StatusOr<AckRequest> RequestParser::Parse(const v1::AckRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  SIGNALBOX_RETURN_IF_ERROR(
      CheckCount("message_ids", static_cast<size_t>(request.message_ids_size()), limits_.ack_ids));
  for (const std::string& text : request.message_ids()) {
    if (text.empty()) return absl::InvalidArgumentError("message_ids holds an empty id");
  }
  if (request.consumer().empty()) return absl::InvalidArgumentError("consumer is required");
  SIGNALBOX_RETURN_IF_ERROR(CheckText("consumer", request.consumer(), limits_.consumer_bytes));
  if (!v1::AckOutcome_IsValid(request.outcome()))
    return absl::InvalidArgumentError("outcome is not a known outcome");
  AckRequest parsed;
  AckCall& call = parsed.call;
  call.consumer = request.consumer();
  call.outcome = static_cast<AckOutcome>(request.outcome());
  if (request.has_reply()) {
    absl::StatusOr<std::string> reply =
        SerializeValue("reply", OrNull(request.reply()), limits_.value_depth, limits_.reply_bytes);
    SIGNALBOX_RETURN_IF_ERROR(reply.status());
    call.reply = *std::move(reply);
  }
  SIGNALBOX_RETURN_IF_ERROR(CheckText("error", request.error(), limits_.error_bytes));
  call.error = request.error();
  if (request.step() < 0) return absl::InvalidArgumentError("step must not be negative");
  call.step = request.step();
  if (call.outcome == AckOutcome::kUnspecified) {
    if (call.reply) return absl::InvalidArgumentError("reply needs an outcome");
    if (!call.error.empty()) return absl::InvalidArgumentError("error needs an outcome");
    if (call.step != 0) return absl::InvalidArgumentError("step needs an outcome");
  }
  absl::flat_hash_map<MessageId, size_t> places;
  for (const std::string& text : request.message_ids()) {
    const absl::StatusOr<MessageId> id = ParseMessageId("message_ids", text);
    SIGNALBOX_RETURN_IF_ERROR(id.status());
    const auto [it, is_new] = places.try_emplace(*id, call.ids.size());
    if (is_new) call.ids.push_back(*id);
    parsed.place.push_back(it->second);
    parsed.message_ids.push_back(text);
  }
  return parsed;
}

absl::StatusOr<SubscribeQuery> RequestParser::Parse(const v1::SubscribeRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const absl::StatusOr<RunRef> run = ParseRun(request.run(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(Malformed(run));
  absl::StatusOr<std::vector<std::string>> keys = ParseKeys(request.keys(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(keys.status());
  SIGNALBOX_RETURN_IF_ERROR(CheckText("consumer", request.consumer(), limits_.consumer_bytes));
  SubscribeQuery query;
  if (!request.cursor().empty()) {
    query.cursor = DecodeCursor(request.cursor());
    if (!query.cursor) return absl::InvalidArgumentError("cursor is not one that this server gave out");
  }
  absl::StatusOr<std::vector<KeyDeclaration>> declarations =
      ParseDeclarations("declare_keys", request.declare_keys(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(declarations.status());
  SIGNALBOX_RETURN_IF_ERROR(run.status());
  query.run = *run;
  query.keys = *std::move(keys);
  query.declare_keys = *std::move(declarations);
  return query;
}

absl::StatusOr<AwaitQuery> RequestParser::Parse(const v1::AwaitRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  AwaitQuery query = {.timeout = limits_.await};
  if (!v1::AwaitUntil_IsValid(request.until())) return absl::InvalidArgumentError("until is not known");
  query.until = request.until() == v1::AWAIT_UNTIL_ACKED ? AwaitUntil::kAcked : AwaitUntil::kFinished;
  if (request.has_timeout()) {
    const absl::StatusOr<absl::Duration> timeout = ParseDuration("timeout", request.timeout());
    SIGNALBOX_RETURN_IF_ERROR(timeout.status());
    if (*timeout < absl::ZeroDuration()) return absl::InvalidArgumentError("timeout must not be negative");
    query.timeout = std::min(*timeout, limits_.await);
  }
  const absl::StatusOr<MessageId> id = ParseMessageId("message_id", request.message_id());
  SIGNALBOX_RETURN_IF_ERROR(id.status());
  query.id = *id;
  return query;
}

absl::StatusOr<CancelQuery> RequestParser::Parse(const v1::CancelRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  SIGNALBOX_RETURN_IF_ERROR(CheckText("reason", request.reason(), limits_.error_bytes));
  const absl::StatusOr<MessageId> id = ParseMessageId("message_id", request.message_id());
  SIGNALBOX_RETURN_IF_ERROR(id.status());
  return CancelQuery{*id, request.reason()};
}

absl::StatusOr<Paged<HistoryQuery>> RequestParser::Parse(const v1::ListMessagesRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const absl::StatusOr<RunRef> run = ParseRun(request.run(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(Malformed(run));
  absl::StatusOr<std::vector<std::string>> keys = ParseKeys(request.keys(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(keys.status());
  Paged<HistoryQuery> paged;
  for (int state : request.states()) {
    if (!v1::MessageState_IsValid(state) || state == v1::MESSAGE_STATE_UNSPECIFIED) {
      return absl::InvalidArgumentError("states holds a state that is not known");
    }
    paged.query.states.push_back(static_cast<MessageState>(state));
  }
  const absl::StatusOr<int> page_size =
      ParsePageSize(request.page_size(), limits_.default_history_page_size, limits_);
  SIGNALBOX_RETURN_IF_ERROR(page_size.status());
  v1::ListMessagesRequest selection = request;
  selection.clear_page_size();
  selection.clear_page_token();
  paged.fingerprint = QueryFingerprint(selection);
  absl::StatusOr<std::optional<PageToken>> token = ParsePageToken(request.page_token(), paged.fingerprint);
  SIGNALBOX_RETURN_IF_ERROR(token.status());
  SIGNALBOX_RETURN_IF_ERROR(run.status());
  paged.token = *std::move(token);
  paged.query.run = *run;
  paged.query.keys = *std::move(keys);
  paged.query.limit = {*page_size, limits_.page_bytes};
  if (paged.token) paged.query.before = paged.token->after;
  return paged;
}

absl::StatusOr<NewRun> RequestParser::Parse(const v1::CreateRunRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  SIGNALBOX_RETURN_IF_ERROR(CheckProject("project", request.project(), limits_.project_bytes));
  if (!request.run_id().empty() && !IsRunId(request.run_id(), limits_.run_id_bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("run_id must be 1-", limits_.run_id_bytes,
                                                   " bytes, starting with a-z or 0-9, then a-z 0-9 . _ -, "
                                                   "with at least one letter"));
  }
  SIGNALBOX_RETURN_IF_ERROR(CheckText("title", request.title(), limits_.title_bytes));
  absl::StatusOr<std::map<std::string, std::string>> labels = ParseLabels(request.labels(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(labels.status());
  SIGNALBOX_RETURN_IF_ERROR(CheckSize("request_id", request.request_id().size(), limits_.request_id_bytes));
  NewRun run = {.project = request.project(), .id = request.run_id(), .title = request.title()};
  run.labels = *std::move(labels);
  run.request_id = request.request_id();
  if (!run.request_id.empty()) {
    v1::CreateRunRequest content = request;
    content.clear_request_id();
    run.fingerprint = Fingerprint(content);
  }
  return run;
}

absl::StatusOr<RunRef> RequestParser::Parse(const v1::GetRunRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  return ParseRun(request.run(), limits_);
}

absl::StatusOr<Paged<RunQuery>> RequestParser::Parse(const v1::ListRunsRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  if (!request.project().empty()) {
    SIGNALBOX_RETURN_IF_ERROR(CheckProject("project", request.project(), limits_.project_bytes));
  }
  if (!v1::RunState_IsValid(request.state())) return absl::InvalidArgumentError("state is not a known state");
  absl::StatusOr<std::map<std::string, std::string>> labels = ParseLabels(request.labels(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(labels.status());
  const absl::StatusOr<int> page_size =
      ParsePageSize(request.page_size(), limits_.default_history_page_size, limits_);
  SIGNALBOX_RETURN_IF_ERROR(page_size.status());
  v1::ListRunsRequest selection = request;
  selection.clear_page_size();
  selection.clear_page_token();
  Paged<RunQuery> paged;
  paged.fingerprint = QueryFingerprint(selection);
  absl::StatusOr<std::optional<PageToken>> token = ParsePageToken(request.page_token(), paged.fingerprint);
  SIGNALBOX_RETURN_IF_ERROR(token.status());
  paged.token = *std::move(token);
  paged.query = {.project = request.project(), .state = static_cast<RunState>(request.state())};
  paged.query.labels = *std::move(labels);
  paged.query.limit = *page_size;
  if (paged.token) paged.query.before_run_no = paged.token->after;
  return paged;
}

absl::StatusOr<EndQuery> RequestParser::Parse(const v1::EndRunRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const absl::StatusOr<RunRef> run = ParseRun(request.run(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(Malformed(run));
  if (request.outcome() == v1::RUN_OUTCOME_UNSPECIFIED)
    return absl::InvalidArgumentError("outcome is required");
  if (!v1::RunOutcome_IsValid(request.outcome()))
    return absl::InvalidArgumentError("outcome is not a known outcome");
  SIGNALBOX_RETURN_IF_ERROR(run.status());
  return EndQuery{*run, static_cast<RunOutcome>(request.outcome())};
}

absl::StatusOr<DeclareQuery> RequestParser::Parse(const v1::DeclareKeysRequest& request) const {
  SIGNALBOX_RETURN_IF_ERROR(CheckRequestSize(request, limits_));
  const absl::StatusOr<RunRef> run = ParseRun(request.run(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(Malformed(run));
  if (request.keys().empty()) return absl::InvalidArgumentError("keys is required");
  absl::StatusOr<std::vector<KeyDeclaration>> keys = ParseDeclarations("keys", request.keys(), limits_);
  SIGNALBOX_RETURN_IF_ERROR(keys.status());
  SIGNALBOX_RETURN_IF_ERROR(run.status());
  return DeclareQuery{*run, *std::move(keys)};
}

}  // namespace signalbox::service
