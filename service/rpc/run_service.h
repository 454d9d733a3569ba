#ifndef SIGNALBOX_SERVICE_RPC_RUN_SERVICE_H
#define SIGNALBOX_SERVICE_RPC_RUN_SERVICE_H

#include "service/rpc/service_parts.h"
#include "signalbox/v1/run_service.grpc.pb.h"

namespace signalbox::service {

/// The calls of signalbox.v1.RunService: parse, hand over, answer. No handler blocks.
class RunServiceHandler final : public v1::RunService::CallbackService {
 public:
  explicit RunServiceHandler(const ServiceParts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* CreateRun(grpc::CallbackServerContext* context,
                                      const v1::CreateRunRequest* request,
                                      v1::CreateRunResponse* response) override;
  grpc::ServerUnaryReactor* GetRun(grpc::CallbackServerContext* context, const v1::GetRunRequest* request,
                                   v1::GetRunResponse* response) override;
  grpc::ServerUnaryReactor* ListRuns(grpc::CallbackServerContext* context, const v1::ListRunsRequest* request,
                                     v1::ListRunsResponse* response) override;
  grpc::ServerUnaryReactor* EndRun(grpc::CallbackServerContext* context, const v1::EndRunRequest* request,
                                   v1::EndRunResponse* response) override;
  grpc::ServerUnaryReactor* DeclareKeys(grpc::CallbackServerContext* context,
                                        const v1::DeclareKeysRequest* request,
                                        v1::DeclareKeysResponse* response) override;

 private:
  const ServiceParts& parts_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_RUN_SERVICE_H
