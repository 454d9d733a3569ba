#ifndef SIGNALBOX_TESTS_INTEGRATION_CLIENT_SMALL_SERVER_H
#define SIGNALBOX_TESTS_INTEGRATION_CLIENT_SMALL_SERVER_H

#include <grpcpp/server.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "signalbox/v1/message_service.grpc.pb.h"
#include "signalbox/v1/run_service.grpc.pb.h"

namespace signalbox {

/// A server with one run in memory that speaks the protocol as far as an inbox needs it, and
/// misbehaves when told to. What it holds survives Stop() and Start(). Thread-safe.
class SmallServer final : public v1::MessageService::Service, public v1::RunService::Service {
 public:
  SmallServer();
  ~SmallServer() override;

  /// Listens; the port stays the same from the first call on.
  void Start();
  void Stop();
  std::string address() const;

  std::string Publish(const std::string& key, double value);
  void Withdraw(const std::string& id);
  void EndRun();
  v1::AckRequest LastAck() const;
  std::string StateOf(const std::string& id) const;

  std::atomic<bool> knows_subscribe{true};
  std::atomic<bool> is_mute{false};  ///< Streams open, and say nothing.
  std::atomic<bool> refuses_cursors{false};
  std::atomic<bool> loses_ack_answers{false};  ///< Acks take effect and are answered UNAVAILABLE.
  std::atomic<int> get_all_calls{0};
  std::atomic<int> streams{0};
  std::atomic<int> ack_calls{0};
  std::atomic<int> declared_keys{0};

 private:
  struct Change {
    bool is_withdrawal;
    v1::Message message;
  };

  grpc::Status GetAll(grpc::ServerContext*, const v1::GetAllRequest*, v1::GetAllResponse* response) override;
  grpc::Status Ack(grpc::ServerContext*, const v1::AckRequest* request, v1::AckResponse* response) override;
  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::SubscribeResponse>* writer) override;
  grpc::Status DeclareKeys(grpc::ServerContext*, const v1::DeclareKeysRequest* request,
                           v1::DeclareKeysResponse*) override;
  void SetState(const std::string& id, v1::MessageState state, const std::string& consumer);

  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::map<std::string, v1::Message> messages_;
  std::vector<Change> changes_;  // A cursor is a position in here.
  v1::AckRequest last_ack_;
  bool has_ended_ = false;
  bool is_stopping_ = false;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace signalbox

#endif  // SIGNALBOX_TESTS_INTEGRATION_CLIENT_SMALL_SERVER_H
