// The least server that gRPC allows: its callback API, and nothing behind it.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <csignal>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "echo.grpc.pb.h"
#include "tests/bench/clock.h"
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

  // An empty note to every stream that has got none for so many nanoseconds.
  void SendHeartbeats(int64_t interval) {
    const absl::MutexLock lock(&mu_);
    const int64_t now = Nanoseconds();
    while (!listeners_.empty() && listeners_.front()->sent() + interval <= now) {
      listeners_.front()->Send(Note());
      listeners_.splice(listeners_.end(), listeners_, listeners_.begin());
    }
  }

 private:
  // One open stream. The generator waits for a note before it broadcasts the next, so one is enough.
  class Listener final : public grpc::ServerWriteReactor<Note> {
   public:
    explicit Listener(EchoService& service) : service_(service) {
      {
        const absl::MutexLock lock(&service_.mu_);
        place_ = service_.listeners_.insert(service_.listeners_.end(), this);
      }
      StartSendInitialMetadata();
    }

    int64_t sent() const { return sent_; }

    void Send(const Note& note) {
      note_ = note;
      sent_ = Nanoseconds();
      StartWrite(&note_);
    }

    void OnCancel() override {
      {
        const absl::MutexLock lock(&service_.mu_);
        service_.listeners_.erase(place_);
      }
      Finish(grpc::Status::CANCELLED);
    }

    void OnDone() override { delete this; }

   private:
    EchoService& service_;
    std::list<Listener*>::iterator place_;
    int64_t sent_ = Nanoseconds();
    Note note_;
  };

  absl::Mutex mu_;
  std::list<Listener*> listeners_
      ABSL_GUARDED_BY(mu_);  // with heartbeats only: those that wait longest first
};

Result Serve(const std::string& address, double heartbeat) {
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
  std::atomic<bool> stop{false};
  std::thread heartbeats([&] {
    for (; heartbeat > 0 && !stop; Sleep(0.05)) service.SendHeartbeats(FromSeconds(heartbeat));
  });
  int signal = 0;
  sigwait(&signals, &signal);
  stop = true;
  heartbeats.join();
  server->Shutdown(std::chrono::system_clock::now());
  return nlohmann::json::object();
}

}  // namespace

void AddEchoServer(CommandLine& line) {
  struct Options {
    std::string address = "127.0.0.1:50052";
    double heartbeat = 0;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(line, "echo-server", "Serve unary echoes and streams until SIGTERM",
                                 [options] { return Serve(options->address, options->heartbeat); });
  command->add_option("--listen", options->address, "Where to listen");
  command->add_option("--heartbeat", options->heartbeat,
                      "Seconds between empty notes on each stream; 0: none");
}

}  // namespace signalbox::bench
