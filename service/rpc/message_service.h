#ifndef SIGNALBOX_SERVICE_RPC_MESSAGE_SERVICE_H
#define SIGNALBOX_SERVICE_RPC_MESSAGE_SERVICE_H

#include <grpcpp/support/byte_buffer.h>

#include "service/rpc/event_bytes.h"
#include "service/rpc/service_parts.h"
#include "signalbox/v1/message_service.grpc.pb.h"

namespace signalbox::service {

/// The calls of signalbox.v1.MessageService: parse, hand over, answer. No handler blocks.
///
/// GetAll and Subscribe answer with bytes: those of a run that has not changed, or of a message that another
/// subscriber was told just before, are at hand.
class MessageServiceHandler final
    : public v1::MessageService::WithRawCallbackMethod_GetAll<
          v1::MessageService::WithRawCallbackMethod_Subscribe<v1::MessageService::CallbackService>> {
 public:
  explicit MessageServiceHandler(const ServiceParts& parts) : parts_(parts), parser_(parts.limits) {}

  grpc::ServerUnaryReactor* Publish(grpc::CallbackServerContext* context, const v1::PublishRequest* request,
                                    v1::PublishResponse* response) override;
  grpc::ServerUnaryReactor* PublishMany(grpc::CallbackServerContext* context,
                                        const v1::PublishManyRequest* request,
                                        v1::PublishManyResponse* response) override;
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetRequest* request,
                                v1::GetResponse* response) override;
  grpc::ServerUnaryReactor* GetAll(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Ack(grpc::CallbackServerContext* context, const v1::AckRequest* request,
                                v1::AckResponse* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Subscribe(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* Await(grpc::CallbackServerContext* context, const v1::AwaitRequest* request,
                                  v1::AwaitResponse* response) override;
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext* context, const v1::CancelRequest* request,
                                   v1::CancelResponse* response) override;
  grpc::ServerUnaryReactor* ListMessages(grpc::CallbackServerContext* context,
                                         const v1::ListMessagesRequest* request,
                                         v1::ListMessagesResponse* response) override;

 private:
  const ServiceParts& parts_;
  const RequestParser parser_;
  EventBytes event_bytes_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_MESSAGE_SERVICE_H
