// The least server that gRPC allows: its callback API, and nothing behind it.

#include <grpcpp/grpcpp.h>

#include <csignal>
#include <memory>
#include <string>
#include <unordered_set>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "echo.grpc.pb.h"
#include "tests/bench/command.h"

namespace signalbox::bench {
namespace {

class EchoService final : public Echo::CallbackService {
 public:
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Note* request,
                                  Note* response) override {
    *response = *request;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<Note>* Listen(grpc::CallbackServerContext*, const ListenRequest*) override {
    return new Listener(*this);
  }

  grpc::ServerUnaryReactor* Broadcast(grpc::CallbackServerContext* context, const Note* request,
                                      BroadcastResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    {
      const absl::MutexLock lock(&mu_);
      for (Listener* listener : listeners_) listener->Send(*request);
      response->set_listeners(static_cast<int>(listeners_.size()));
    }
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  // One open stream. The generator waits for a note before it broadcasts the next, so one is enough.
  class Listener final : public grpc::ServerWriteReactor<Note> {
   public:
    explicit Listener(EchoService& service) : service_(service) {
      {
        const absl::MutexLock lock(&service_.mu_);
        service_.listeners_.insert(this);
      }
      StartSendInitialMetadata();
    }

    void Send(const Note& note) {
      note_ = note;
      StartWrite(&note_);
    }

    void OnCancel() override {
      {
        const absl::MutexLock lock(&service_.mu_);
        service_.listeners_.erase(this);
      }
      Finish(grpc::Status::CANCELLED);
    }

    void OnDone() override { delete this; }

   private:
    EchoService& service_;
    Note note_;
  };

  absl::Mutex mu_;
  std::unordered_set<Listener*> listeners_ ABSL_GUARDED_BY(mu_);
};

Result Serve(const std::string& address) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Before gRPC's threads, which inherit it.

  EchoService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError(absl::StrCat("cannot listen on ", address));
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  return nlohmann::json::object();
}

}  // namespace

void AddEchoServer(CommandLine& line) {
  auto address = std::make_shared<std::string>("127.0.0.1:50052");
  CLI::App* command = AddCommand(line, "echo-server", "Serve unary echoes and streams until SIGTERM",
                                 [address] { return Serve(*address); });
  command->add_option("--listen", *address, "Where to listen");
}

}  // namespace signalbox::bench
