#include "tests/bench/subscribers.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "echo.grpc.pb.h"
#include "signalbox/v1/message_service.grpc.pb.h"
#include "tests/bench/channel.h"
#include "tests/bench/clock.h"

namespace signalbox::bench {
namespace {

constexpr double kLongest = 60;

absl::Status Await(const std::string& what, const std::function<bool()>& is_there) {
  const int64_t deadline = Nanoseconds() + FromSeconds(kLongest);
  while (!is_there()) {
    if (Nanoseconds() > deadline) return absl::DeadlineExceededError(what);
    Sleep(0.0002);
  }
  return absl::OkStatus();
}

// Reads one stream to its end.
template <class Service, class Request, class Event>
class StreamReader final : public Subscriber, public grpc::ClientReadReactor<Event> {
 public:
  StreamReader(const std::string& address, Request request, CrowdCounts& counts)
      : stub_(Service::NewStub(NewChannel(address))), request_(std::move(request)), counts_(counts) {
    context_.set_wait_for_ready(true);
  }

  Service::Stub& stub() { return *stub_; }
  grpc::ClientContext* context() { return &context_; }
  const Request* request() const { return &request_; }

  void Begin() {
    this->StartRead(&event_);
    this->StartCall();
  }

  void Cancel() override { context_.TryCancel(); }

  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) OnOpen();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    OnEvent(event_);
    this->StartRead(&event_);
  }

  void OnDone(const grpc::Status&) override { ++counts_.ended; }

 private:
  // A stream of Signalbox is open with its first synced progress, one of the echo server at once.
  void OnOpen() {
    if constexpr (std::is_same_v<Event, Note>) ++counts_.open;
  }

  void OnEvent(const Note&) { ++counts_.messages; }

  void OnEvent(const v1::SubscribeResponse& event) {
    if (event.has_message()) ++counts_.messages;
    if (event.has_progress() && event.progress().synced() && !std::exchange(is_synced_, true)) ++counts_.open;
  }

  std::unique_ptr<typename Service::Stub> stub_;
  const Request request_;
  CrowdCounts& counts_;
  grpc::ClientContext context_;
  Event event_;
  bool is_synced_ = false;
};

}  // namespace

MakeSubscriber SubscribeTo(const std::string& address, std::function<std::string(int)> run_of) {
  return [address, run_of = std::move(run_of)](int number, CrowdCounts& counts) {
    v1::SubscribeRequest request;
    request.mutable_run()->set_id(run_of(number));
    request.set_consumer(absl::StrCat("bench-", number));
    auto reader =
        std::make_unique<StreamReader<v1::MessageService, v1::SubscribeRequest, v1::SubscribeResponse>>(
            address, std::move(request), counts);
    reader->stub().async()->Subscribe(reader->context(), reader->request(), reader.get());
    reader->Begin();
    return reader;
  };
}

MakeSubscriber ListenTo(const std::string& address) {
  return [address](int, CrowdCounts& counts) {
    auto reader = std::make_unique<StreamReader<Echo, ListenRequest, Note>>(address, ListenRequest(), counts);
    reader->stub().async()->Listen(reader->context(), reader->request(), reader.get());
    reader->Begin();
    return reader;
  };
}

Crowd::~Crowd() {
  for (const auto& subscriber : subscribers_) subscriber->Cancel();
  const auto count = static_cast<int64_t>(subscribers_.size());
  // A reactor must outlive its stream, so there is nothing to do but wait.
  while (counts_.ended.load() < count) Sleep(0.01);
}

absl::Status Crowd::Open(int count, const MakeSubscriber& make) {
  constexpr int kAtATime = 50;
  for (int opened = 0; opened < count;) {
    const int next = std::min(count, opened + kAtATime);
    const int64_t wanted = counts_.open + next - opened;
    for (; opened < next; ++opened) {
      subscribers_.push_back(make(static_cast<int>(subscribers_.size()), counts_));
    }
    absl::Status status = Await(absl::StrCat("only ", counts_.open.load(), " streams opened"),
                                [&] { return counts_.open >= wanted || counts_.ended > 0; });
    if (!status.ok()) return status;
    if (counts_.ended > 0) return absl::UnavailableError("a stream ended at once");
    if (opened % 1000 == 0) std::cerr << opened << " streams\n";
  }
  return absl::OkStatus();
}

absl::Status Crowd::AwaitMessages(int64_t count) {
  return Await("a message did not reach all", [&] { return counts_.messages >= count || counts_.ended > 0; });
}

}  // namespace signalbox::bench
