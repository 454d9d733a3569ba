#ifndef SIGNALBOX_SERVICE_RPC_SERVICE_PARTS_H
#define SIGNALBOX_SERVICE_RPC_SERVICE_PARTS_H

#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "service/commit/group_writer.h"
#include "service/commit/worker_pool.h"
#include "service/domain/limits.h"
#include "service/domain/message_log.h"
#include "service/domain/run_registry.h"
#include "service/feed/await_registry.h"
#include "service/feed/subscription_hub.h"
#include "service/read/pending_reader.h"
#include "service/rpc/call_count.h"
#include "service/rpc/request_parser.h"
#include "service/rpc/unary_call.h"

namespace signalbox::service {

/// What the handlers hand their calls to. All of it outlives the gRPC server.
struct ServiceParts {
  Limits limits;
  MessageLog& log;
  RunRegistry& runs;
  GroupWriter& writer;
  PendingReader& reader;
  WorkerPool& workers;
  SubscriptionHub& hub;
  AwaitRegistry& awaits;
  CallGuard& guard;
  CallCount& calls;
  Metrics& metrics;
  /// Tells this replica's subscribers and awaits, and the other replicas, to look at runs again.
  std::function<void(std::vector<int64_t>)> announce;
};

/// A call that is answered at once.
inline grpc::ServerUnaryReactor* FinishedWith(grpc::CallbackServerContext& context,
                                              const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

/// A call that is answered within the guard's patience, whoever answers it.
template <typename Response>
std::shared_ptr<UnaryCall<Response>> GuardedBy(const ServiceParts& parts, grpc::ServerUnaryReactor* reactor,
                                               Response* response,
                                               typename UnaryCall<Response>::Count count = nullptr) {
  auto call = std::make_shared<UnaryCall<Response>>(parts.calls, reactor, response, std::move(count));
  parts.guard.Watch(call);
  return call;
}

/// Parses `request` and answers with what `work(query, response)` returns; it runs on a worker and
/// may block.
template <typename Request, typename Response, typename Work>
grpc::ServerUnaryReactor* OnWorker(const ServiceParts& parts, grpc::CallbackServerContext& context,
                                   const Request& request, Response* response, Work work) {
  auto query = RequestParser(parts.limits).Parse(request);
  if (!query.ok()) return FinishedWith(context, query.status());
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  auto call = GuardedBy(parts, reactor, response);
  const absl::Status submitted =
      parts.workers.Submit([call, query = *std::move(query), work = std::move(work)] {
        if (call->IsOver()) return;
        Response answer;
        const absl::Status status = work(query, answer);
        status.ok() ? call->Succeed(std::move(answer)) : call->Fail(status);
      });
  if (!submitted.ok()) call->Fail(submitted);
  return reactor;
}

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_SERVICE_PARTS_H
