// The least server that gRPC allows: its callback API, and nothing behind it but, where that is asked for,
// the least statement that makes a note durable.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "echo.grpc.pb.h"
#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/group_ack.h"
#include "tests/bench/group_insert.h"
#include "tests/bench/listeners.h"
#include "tests/bench/note_store.h"

namespace signalbox::bench {
namespace {

struct EchoServerOptions {
  std::string address = "127.0.0.1:50052";
  std::string database_url;
  int64_t acks = 0;
  double heartbeat = 0;
};

void Answer(grpc::ServerUnaryReactor* reactor, const absl::Status& status) {
  reactor->Finish(status.ok() ? grpc::Status::OK
                              : grpc::Status(grpc::StatusCode::INTERNAL, std::string(status.message())));
}

class EchoService final : public Echo::CallbackService {
 public:
  /// `store`: null to answer at once.
  explicit EchoService(NoteStore* store) : store_(store) {}

  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Note* request,
                                  Note* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (store_ == nullptr) {
      *response = *request;
      Answer(reactor, absl::OkStatus());
      return reactor;
    }
    store_->Add({request}, [this, reactor, request, response](const absl::Status& status) {
      if (status.ok()) listeners_.Send(*request);
      *response = *request;
      Answer(reactor, status);
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* UnaryMany(grpc::CallbackServerContext* context, const Notes* request,
                                      Notes* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto answer = [reactor, request, response](const absl::Status& status) {
      *response = *request;
      Answer(reactor, status);
    };
    if (store_ == nullptr) {
      answer(absl::OkStatus());
      return reactor;
    }
    std::vector<const Note*> notes;
    for (const Note& note : request->notes()) notes.push_back(&note);
    store_->Add(notes, answer);
    return reactor;
  }

  grpc::ServerWriteReactor<Note>* Listen(grpc::CallbackServerContext*, const ListenRequest*) override {
    return listeners_.Open();
  }

  grpc::ServerUnaryReactor* Broadcast(grpc::CallbackServerContext* context, const Note* request,
                                      BroadcastResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    response->set_listeners(listeners_.Send(*request));
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  Listeners& listeners() { return listeners_; }

 private:
  NoteStore* const store_;
  Listeners listeners_;
};

Result Serve(const EchoServerOptions& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Before gRPC's threads, which inherit it.

  std::unique_ptr<NoteStore> store;
  if (!options.database_url.empty()) {
    auto statement = options.acks == 0 ? GroupInsert::Open(options.database_url)
                                       : GroupAck::Open(options.database_url, options.acks);
    if (!statement.ok()) return statement.status();
    store = std::make_unique<NoteStore>(*std::move(statement));
  }
  EchoService service(store.get());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError(absl::StrCat("cannot listen on ", options.address));
  std::atomic<bool> stop{false};
  std::thread heartbeats([&] {
    for (; options.heartbeat > 0 && !stop; Sleep(0.05)) {
      service.listeners().SendHeartbeats(FromSeconds(options.heartbeat));
    }
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
  auto options = std::make_shared<EchoServerOptions>();
  CLI::App* command = AddCommand(line, "echo-server", "Serve unary echoes and streams until SIGTERM",
                                 [options] { return Serve(*options); });
  command->add_option("--listen", options->address, "Where to listen");
  command->add_option("--database-url", options->database_url,
                      "Commit each note there, in groups, before it is answered and sent to all that listen");
  command->add_option(
      "--acks", options->acks,
      "Commit instead that a message of the note's run is acked, of so many made at the start");
  command->add_option("--heartbeat", options->heartbeat,
                      "Seconds between empty notes on each stream; 0: none");
}

}  // namespace signalbox::bench
