// Opening a subscription, until it has told everything that is pending.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>

#include "signalbox/v1/message_service.grpc.pb.h"
#include "tests/bench/closed_loop.h"
#include "tests/bench/command.h"
#include "tests/bench/load.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"

namespace signalbox::bench {
namespace {

struct SubscribeOptions {
  LoadOptions load;
  std::string prefix = "read";
  int64_t runs = 100;
};

// Opens one stream after the other, and ends each when it is synced.
class SubscribeSlot final : public Slot {
 public:
  SubscribeSlot(v1::MessageService::Stub& stub, const SubscribeOptions& options, Counter& counter)
      : stub_(stub), options_(options), counter_(counter) {}

 private:
  class Reader final : public grpc::ClientReadReactor<v1::SubscribeResponse> {
   public:
    explicit Reader(SubscribeSlot& slot) : slot_(slot) {}

    void Begin() {
      slot_.stub_.async()->Subscribe(&context_, &slot_.request_, this);
      StartRead(&event_);
      StartCall();
    }

    void OnReadDone(bool ok) override {
      if (!ok) return;
      if (event_.has_progress() && event_.progress().synced()) {
        is_synced_ = true;
        context_.TryCancel();
      } else {
        StartRead(&event_);
      }
    }

    void OnDone(const grpc::Status& status) override {
      slot_.OnStreamEnded(is_synced_ ? absl::OkStatus()
                                     : absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                                                    status.error_message()));
    }

   private:
    SubscribeSlot& slot_;
    grpc::ClientContext context_;
    v1::SubscribeResponse event_;
    bool is_synced_ = false;
  };

  bool Start() override {
    request_.mutable_run()->set_id(RunName(options_.prefix, Spread(counter_.Next(), options_.runs)));
    reader_ = std::make_unique<Reader>(*this);
    reader_->Begin();
    return true;
  }

  // On the reader's last callback, so it may be deleted; and before the end is told, which may end the
  // program.
  void OnStreamEnded(const absl::Status& status) {
    reader_.reset();
    End(status);
  }

  v1::MessageService::Stub& stub_;
  const SubscribeOptions& options_;
  Counter& counter_;
  v1::SubscribeRequest request_;
  std::unique_ptr<Reader> reader_;
};

Result MeasureSubscribe(const SubscribeOptions& options) {
  const auto stubs = Stubs<v1::MessageService>(options.load.address, options.load.connections);
  Counter counter;
  std::vector<std::unique_ptr<Slot>> slots;
  for (int i = 0; i < options.load.in_flight; ++i) {
    slots.push_back(std::make_unique<SubscribeSlot>(*StubOf(stubs, i), options, counter));
  }
  return ClosedLoop(std::move(slots)).Run(options.load.window);
}

}  // namespace

void AddSubscribe(CommandLine& line) {
  auto options = std::make_shared<SubscribeOptions>();
  options->load.in_flight = 16;
  CLI::App* command = AddCommand(line, "subscribe", "Subscriptions from their start until they are synced",
                                 [=] { return MeasureSubscribe(*options); });
  AddLoadFlags(command, options->load);
  command->add_option("--run-prefix", options->prefix, "Runs to follow");
  command->add_option("--runs", options->runs, "How many")->check(CLI::PositiveNumber);
}

}  // namespace signalbox::bench
