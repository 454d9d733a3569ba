#include "service/rpc/run_service.h"

#include "service/rpc/page_filler.h"
#include "service/rpc/proto_conversion.h"

namespace signalbox::service {
namespace {

template <typename Response>
absl::Status Answer(const absl::StatusOr<Run>& run, Response& answer) {
  if (!run.ok()) return run.status();
  ToProto(*run, answer.mutable_run());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* RunServiceHandler::CreateRun(grpc::CallbackServerContext* context,
                                                       const v1::CreateRunRequest* request,
                                                       v1::CreateRunResponse* response) {
  return OnWorker(parts_, *context, *request, response,
                  [this](const NewRun& draft, v1::CreateRunResponse& answer) {
                    return Answer(parts_.runs.Create(draft), answer);
                  });
}

grpc::ServerUnaryReactor* RunServiceHandler::GetRun(grpc::CallbackServerContext* context,
                                                    const v1::GetRunRequest* request,
                                                    v1::GetRunResponse* response) {
  return OnWorker(
      parts_, *context, *request, response,
      [this](const RunRef& run, v1::GetRunResponse& answer) { return Answer(parts_.runs.Get(run), answer); });
}

grpc::ServerUnaryReactor* RunServiceHandler::ListRuns(grpc::CallbackServerContext* context,
                                                      const v1::ListRunsRequest* request,
                                                      v1::ListRunsResponse* response) {
  return OnWorker(parts_, *context, *request, response,
                  [this](const Paged<RunQuery>& paged, v1::ListRunsResponse& answer) {
                    const absl::StatusOr<RunPage> page = parts_.runs.List(paged.query);
                    if (!page.ok()) return page.status();
                    const bool is_cut =
                        FillPage(page->runs, parts_.limits.page_bytes, *answer.mutable_runs());
                    if (!is_cut && !page->more) return absl::OkStatus();
                    const int64_t after = page->runs[answer.runs_size() - 1].run_no;
                    answer.set_next_page_token(Encode(PageToken{.query = paged.fingerprint, .after = after}));
                    return absl::OkStatus();
                  });
}

grpc::ServerUnaryReactor* RunServiceHandler::EndRun(grpc::CallbackServerContext* context,
                                                    const v1::EndRunRequest* request,
                                                    v1::EndRunResponse* response) {
  return OnWorker(parts_, *context, *request, response,
                  [this](const EndQuery& query, v1::EndRunResponse& answer) {
                    const absl::StatusOr<EndedRun> ended = parts_.runs.End(query.run, query.outcome);
                    if (!ended.ok()) return ended.status();
                    if (ended->by_this_call) parts_.announce({ended->run.run_no});
                    ToProto(ended->run, answer.mutable_run());
                    return absl::OkStatus();
                  });
}

grpc::ServerUnaryReactor* RunServiceHandler::DeclareKeys(grpc::CallbackServerContext* context,
                                                         const v1::DeclareKeysRequest* request,
                                                         v1::DeclareKeysResponse* response) {
  return OnWorker(parts_, *context, *request, response,
                  [this](const DeclareQuery& query, v1::DeclareKeysResponse& answer) {
                    return Answer(parts_.runs.DeclareKeys(query.run, query.keys), answer);
                  });
}

}  // namespace signalbox::service
