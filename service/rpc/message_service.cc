#include "service/rpc/message_service.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "service/domain/steady_now.h"
#include "service/rpc/await_call.h"
#include "service/rpc/page_filler.h"
#include "service/rpc/proto_conversion.h"
#include "service/rpc/subscribe_reactor.h"

namespace signalbox::service {
namespace {

// After a run was pruned its id may name a new one, of which the next page would be no continuation.
absl::Status CheckSameRun(const std::optional<PageToken>& token, const RunInfo& run) {
  if (!token || token->run_no == run.run_no) return absl::OkStatus();
  return absl::InvalidArgumentError("page_token is of another run");
}

grpc::ServerUnaryReactor* Refused(grpc::CallbackServerContext& context, const absl::Status& status,
                                  OutcomeCounter& outcomes) {
  outcomes.Add(status.code());
  return FinishedWith(context, status);
}

// Every call counts once.
auto CountIn(OutcomeCounter& outcomes) {
  return [&outcomes](absl::StatusCode code, const auto&) { outcomes.Add(code); };
}

// Every publish counts, also when the whole call fails.
UnaryCall<v1::PublishManyResponse>::Count CountEachIn(OutcomeCounter& outcomes, size_t publishes) {
  return [&outcomes, publishes](absl::StatusCode code, const v1::PublishManyResponse& response) {
    if (code != absl::StatusCode::kOk) return outcomes.Add(code, static_cast<int64_t>(publishes));
    for (const v1::PublishResult& result : response.results()) {
      outcomes.Add(static_cast<absl::StatusCode>(result.error().code()));  // 0, kOk, where there is none
    }
  };
}

void ToProto(const Appended& appended, v1::PublishResponse* out) {
  ToProto(*appended.message, out->mutable_message());
  for (const MessageId& id : appended.superseded) out->add_superseded_ids(Encode(id));
}

void ToProto(const absl::Status& refusal, v1::PublishError* out) {
  const grpc::Status status = ToGrpc(refusal);
  out->set_code(status.error_code());
  out->set_message(status.error_message());
}

v1::PublishManyResponse AnswerOf(const std::vector<Appended>& outcomes) {
  v1::PublishManyResponse answer;
  answer.mutable_results()->Reserve(static_cast<int>(outcomes.size()));
  for (const Appended& outcome : outcomes) {
    v1::PublishResult* result = answer.add_results();
    if (outcome.status.ok()) {
      ToProto(outcome, result->mutable_response());
    } else {
      ToProto(outcome.status, result->mutable_error());
    }
  }
  return answer;
}

std::string WireOf(const std::vector<MessagePtr>& messages) {
  v1::GetAllResponse part;
  for (const MessagePtr& message : messages) ToProto(*message, part.add_messages());
  return part.SerializeAsString();
}

// The messages of a page that is a whole snapshot, if they fit into an answer; else nothing.
absl::string_view KeptWire(const PendingPage& page, size_t page_bytes) {
  if (page.all_of == nullptr) return {};
  const std::string& wire = page.all_of->wire.Get([&page] { return WireOf(page.messages); });
  return kPageOverheadBytes + wire.size() <= page_bytes ? wire : absl::string_view();
}

// Protobuf takes messages of a type, written one after the other, for one with the fields of all.
grpc::ByteBuffer Joined(absl::string_view kept, const v1::GetAllResponse& rest) {
  const std::array<grpc::Slice, 2> parts = {grpc::Slice(kept.data(), kept.size()),
                                            grpc::Slice(rest.SerializeAsString())};
  return {parts.data(), parts.size()};
}

grpc::ByteBuffer AnswerOf(const Paged<PendingQuery>& paged, const PendingPage& page, size_t page_bytes) {
  v1::GetAllResponse answer;
  PageToken next = {.query = paged.fingerprint,
                    .run_no = page.run.run_no,
                    .first_page = page.head,
                    .epoch = page.run.epoch};
  if (paged.token) next = *paged.token;
  answer.set_cursor(Encode(Cursor{next.epoch, page.run.run_no, next.first_page}));
  const absl::string_view kept = KeptWire(page, page_bytes);
  if (!kept.empty()) return Joined(kept, answer);
  const bool is_cut = FillPage(page.messages, page_bytes, *answer.mutable_messages());
  if (is_cut || page.more) {
    next.after = answer.messages().rbegin()->sequence();
    answer.set_next_page_token(Encode(next));
  }
  return Joined({}, answer);
}

// What gRPC gave as bytes; nothing if they are no such message. A handler that returns no reactor then
// refuses the call as gRPC does where it reads requests itself.
template <typename Request>
std::optional<Request> ReadAs(grpc::ByteBuffer bytes) {
  Request request;
  if (!grpc::SerializationTraits<Request>::Deserialize(&bytes, &request).ok()) return std::nullopt;
  return request;
}

}  // namespace

grpc::ServerUnaryReactor* MessageServiceHandler::Publish(grpc::CallbackServerContext* context,
                                                         const v1::PublishRequest* request,
                                                         v1::PublishResponse* response) {
  absl::StatusOr<NewMessage> draft = parser_.Parse(*request);
  if (!draft.ok()) return Refused(*context, draft.status(), parts_.metrics.publishes);

  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto call = GuardedBy(parts_, reactor, response, CountIn(parts_.metrics.publishes));
  parts_.writer.Append(*std::move(draft), SteadyNow() + parts_.guard.patience(),
                       [call](const Appended& appended) {
                         if (!appended.status.ok()) return call->Fail(appended.status);
                         v1::PublishResponse answer;
                         ToProto(appended, &answer);
                         call->Succeed(std::move(answer));
                       });
  return reactor;
}

grpc::ServerUnaryReactor* MessageServiceHandler::PublishMany(grpc::CallbackServerContext* context,
                                                             const v1::PublishManyRequest* request,
                                                             v1::PublishManyResponse* response) {
  absl::StatusOr<std::vector<absl::StatusOr<NewMessage>>> drafts = parser_.Parse(*request);
  if (!drafts.ok()) return Refused(*context, drafts.status(), parts_.metrics.publishes);

  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto call = GuardedBy(parts_, reactor, response, CountEachIn(parts_.metrics.publishes, drafts->size()));
  parts_.writer.AppendMany(*std::move(drafts), SteadyNow() + parts_.guard.patience(),
                           [call](const std::vector<Appended>& outcomes) {
                             if (!call->IsOver()) call->Succeed(AnswerOf(outcomes));
                           });
  return reactor;
}

grpc::ServerUnaryReactor* MessageServiceHandler::Get(grpc::CallbackServerContext* context,
                                                     const v1::GetRequest* request,
                                                     v1::GetResponse* response) {
  const absl::StatusOr<GetQuery> query = parser_.Parse(*request);
  if (!query.ok()) return FinishedWith(*context, query.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto call = GuardedBy(parts_, reactor, response);
  parts_.reader.ReadPending(query->run, query->key, SteadyNow() + parts_.guard.patience(),
                            [call](const absl::StatusOr<PendingOfKey>& pending) {
                              if (!pending.ok()) return call->Fail(pending.status());
                              v1::GetResponse answer;
                              if (pending->oldest != nullptr)
                                ToProto(*pending->oldest, answer.mutable_message());
                              answer.set_pending_count(pending->count);
                              call->Succeed(std::move(answer));
                            });
  return reactor;
}

grpc::ServerUnaryReactor* MessageServiceHandler::GetAll(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  const std::optional<v1::GetAllRequest> typed = ReadAs<v1::GetAllRequest>(*request);
  if (!typed) return nullptr;
  absl::StatusOr<Paged<PendingQuery>> parsed = parser_.Parse(*typed);
  if (!parsed.ok()) return FinishedWith(*context, parsed.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto call = GuardedBy(parts_, reactor, response);
  const auto paged = std::make_shared<const Paged<PendingQuery>>(*std::move(parsed));
  parts_.reader.ListPending(paged->query, SteadyNow() + parts_.guard.patience(),
                            [this, call, paged](const absl::StatusOr<PendingPage>& page) {
                              if (!page.ok()) return call->Fail(page.status());
                              if (call->IsOver()) return;
                              absl::Status same = CheckSameRun(paged->token, page->run);
                              if (!same.ok()) return call->Fail(same);
                              call->Succeed(AnswerOf(*paged, *page, parts_.limits.page_bytes));
                            });
  return reactor;
}

grpc::ServerUnaryReactor* MessageServiceHandler::Ack(grpc::CallbackServerContext* context,
                                                     const v1::AckRequest* request,
                                                     v1::AckResponse* response) {
  absl::StatusOr<AckRequest> parsed = parser_.Parse(*request);
  if (!parsed.ok()) return Refused(*context, parsed.status(), parts_.metrics.acks);

  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto call = GuardedBy(parts_, reactor, response, CountIn(parts_.metrics.acks));
  AckCall ack = std::move(parsed->call);
  auto done = [call, consumer = ack.consumer, ids = std::move(parsed->message_ids),
               place = std::move(parsed->place)](const Acked& acked) {
    if (!acked.status.ok()) return call->Fail(acked.status);
    v1::AckResponse answer;
    for (size_t i = 0; i < ids.size(); ++i) {
      const Message& message = *acked.messages[place[i]];
      v1::AckResult* result = answer.add_results();
      result->set_message_id(ids[i]);
      // Only a claim sets a consumer, and nothing takes it away again.
      result->set_claimed(message.consumer == consumer);
      ToProto(message, result->mutable_message());
    }
    call->Succeed(std::move(answer));
  };
  parts_.writer.Ack(std::move(ack), SteadyNow() + parts_.guard.patience(), std::move(done));
  return reactor;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* MessageServiceHandler::Subscribe(
    grpc::CallbackServerContext* /*context*/, const grpc::ByteBuffer* request) {
  const std::optional<v1::SubscribeRequest> typed = ReadAs<v1::SubscribeRequest>(*request);
  if (!typed) return nullptr;
  return SubscribeReactor::Start(parts_, event_bytes_, parser_.Parse(*typed));
}

grpc::ServerUnaryReactor* MessageServiceHandler::Await(grpc::CallbackServerContext* context,
                                                       const v1::AwaitRequest* request,
                                                       v1::AwaitResponse* response) {
  const absl::StatusOr<AwaitQuery> query = parser_.Parse(*request);
  if (!query.ok()) return FinishedWith(*context, query.status());
  return AwaitCall::Start(parts_, *query, response);
}

grpc::ServerUnaryReactor* MessageServiceHandler::Cancel(grpc::CallbackServerContext* context,
                                                        const v1::CancelRequest* request,
                                                        v1::CancelResponse* response) {
  return OnWorker(parts_, *context, *request, response,
                  [this](const CancelQuery& query, v1::CancelResponse& answer) {
                    absl::StatusOr<Cancelled> cancelled = parts_.log.Cancel(query.id, query.reason);
                    if (!cancelled.ok()) return cancelled.status();
                    ToProto(*cancelled->message, answer.mutable_message());
                    if (cancelled->changes.run_no != 0) {
                      parts_.hub.OnCommit(std::move(cancelled->changes));
                      parts_.announce({query.id.run_no});
                    }
                    return absl::OkStatus();
                  });
}

grpc::ServerUnaryReactor* MessageServiceHandler::ListMessages(grpc::CallbackServerContext* context,
                                                              const v1::ListMessagesRequest* request,
                                                              v1::ListMessagesResponse* response) {
  return OnWorker(
      parts_, *context, *request, response,
      [this](const Paged<HistoryQuery>& paged, v1::ListMessagesResponse& answer) {
        const absl::StatusOr<HistoryPage> page = parts_.log.ListHistory(paged.query);
        if (!page.ok()) return page.status();
        if (absl::Status same = CheckSameRun(paged.token, page->run); !same.ok()) return same;
        const bool is_cut = FillPage(page->messages, parts_.limits.page_bytes, *answer.mutable_messages());
        if (!is_cut && !page->more) return absl::OkStatus();
        const int64_t after = answer.messages().rbegin()->sequence();
        answer.set_next_page_token(
            Encode(PageToken{.query = paged.fingerprint, .run_no = page->run.run_no, .after = after}));
        return absl::OkStatus();
      });
}

}  // namespace signalbox::service
