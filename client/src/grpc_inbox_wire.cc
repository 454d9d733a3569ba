#include "grpc_inbox_wire.h"

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc_conversion.h"
#include "grpc_stubs.h"

namespace signalbox::internal {
namespace {

constexpr absl::Duration kDrainTime = absl::Milliseconds(500);

/// A call under way. It has at most one operation in the queue at any time, whose tag is the call.
class Call {
 public:
  virtual ~Call() = default;

  /// The operation is over; may start the next one. Returns what there is to tell.
  virtual std::optional<WireEvent> Advance(bool ok) = 0;

  /// Starts what was put off until the last event was taken.
  virtual void Resume() {}

  bool IsDone() const { return done_; }
  bool IsCancelled() const { return cancelled_; }

  void Cancel() {
    cancelled_ = true;
    context_.TryCancel();
    Resume();
  }

 protected:
  friend class GrpcInboxWire;

  grpc::ClientContext context_;
  grpc::Status status_;
  bool done_ = false;
  bool cancelled_ = false;
};

template <typename Response>
class UnaryCall final : public Call {
 public:
  using Convert = std::function<WireEvent(const absl::StatusOr<Response>&)>;

  explicit UnaryCall(Convert convert) : convert_(std::move(convert)) {}

  template <typename Stub, typename Prepare, typename Request>
  void Start(Stub& stub, Prepare prepare, const Request& request, grpc::CompletionQueue* queue) {
    reader_ = (stub.*prepare)(&context_, request, queue);
    reader_->StartCall();
    reader_->Finish(&response_, &status_, this);
  }

  std::optional<WireEvent> Advance(bool /*ok*/) override {
    done_ = true;
    if (!status_.ok()) return convert_(FromGrpc(status_));
    return convert_(std::move(response_));
  }

 private:
  const Convert convert_;
  Response response_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader_;
};

class StreamCall final : public Call {
 public:
  void Start(v1::MessageService::Stub& stub, const v1::SubscribeRequest& request,
             grpc::CompletionQueue* queue) {
    reader_ = stub.PrepareAsyncSubscribe(&context_, request, queue);
    reader_->StartCall(this);
  }

  std::optional<WireEvent> Advance(bool ok) override {
    if (state_ == State::kFinishing) {
      done_ = true;
      return StreamClosed{FromGrpc(status_)};
    }
    if (!ok) {
      state_ = State::kFinishing;
      reader_->Finish(&status_, this);
      return std::nullopt;
    }
    const bool was_reading = std::exchange(state_, State::kIdle) == State::kReading;
    if (was_reading) return FromProto(response_);
    Resume();
    return std::nullopt;
  }

  // The next event is read when the last one has been dealt with: a slow reader slows the server.
  void Resume() override {
    if (state_ != State::kIdle) return;
    state_ = State::kReading;
    reader_->Read(&response_, this);
  }

 private:
  enum class State { kStarting, kIdle, kReading, kFinishing };

  State state_ = State::kStarting;
  v1::SubscribeResponse response_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::SubscribeResponse>> reader_;
};

/// Turns Wake() into an event of the queue. Thread-safe.
class Waker {
 public:
  explicit Waker(grpc::CompletionQueue* queue) : queue_(queue) {}

  void Wake() ABSL_LOCKS_EXCLUDED(mu_) {
    const absl::MutexLock lock(&mu_);
    if (is_set_ || is_stopped_) return;
    is_set_ = true;
    alarm_.Set(queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), this);
  }

  void OnFired() ABSL_LOCKS_EXCLUDED(mu_) {
    const absl::MutexLock lock(&mu_);
    is_set_ = false;
  }

  void Stop() ABSL_LOCKS_EXCLUDED(mu_) {
    const absl::MutexLock lock(&mu_);
    is_stopped_ = true;
  }

 private:
  grpc::CompletionQueue* const queue_;
  absl::Mutex mu_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mu_);
  bool is_set_ ABSL_GUARDED_BY(mu_) = false;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
};

class GrpcInboxWire final : public InboxWire {
 public:
  explicit GrpcInboxWire(std::shared_ptr<GrpcConnection> connection)
      : connection_(std::move(connection)),
        stubs_(std::make_unique<GrpcStubs>(connection_->Channel())),
        queue_(std::make_unique<grpc::CompletionQueue>()),
        waker_(queue_.get()) {}

  ~GrpcInboxWire() override {
    waker_.Stop();
    for (Call* call : calls_) call->Cancel();
    // A cancelled call ends by itself, without the network. Were one not to, it is leaked with its
    // queue, because gRPC may still write to it.
    if (!DrainCalls()) {
      static_cast<void>(queue_.release());
      return;
    }
    queue_->Shutdown();  // Not before: a call that ends starts one more operation.
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) {
    }
  }

  void OpenStream(const StreamRequest& request) override {
    auto* call = new StreamCall;
    // Waiting for the connection here beats trying again and again: the stream is open the moment
    // the server is back. Only who tells a person what is wrong wants to know of each failure.
    call->context_.set_wait_for_ready(request.waits_for_connection);
    if (!Prepare(*call, absl::InfiniteDuration(),
                 [](absl::Status why) { return StreamClosed{std::move(why)}; })) {
      return;
    }
    stream_ = call;
    call->Start(stubs_->Of<v1::MessageService>(), ToProto(request), queue_.get());
  }

  void CloseStream() override {
    if (stream_ != nullptr) stream_->Cancel();
    stream_ = nullptr;
  }

  void AbandonStream() override {
    CloseStream();
    connection_->Abandon(stubs_->channel());
    stubs_ = std::make_unique<GrpcStubs>(connection_->Channel());
  }

  void StartGetAll(const RunRef& run, const std::vector<std::string>& keys, const std::string& page_token,
                   absl::Duration timeout) override {
    const auto convert = [](const absl::StatusOr<v1::GetAllResponse>& response) {
      return response.ok() ? PageAnswered{FromProto(*response)} : PageAnswered{response.status()};
    };
    StartUnary<v1::MessageService, v1::GetAllResponse>(&v1::MessageService::Stub::PrepareAsyncGetAll,
                                                       ToGetAllRequest(run, keys, page_token), timeout,
                                                       convert);
  }

  void StartAck(const AckBatch& batch, const std::string& consumer, absl::Duration timeout) override {
    const auto convert = [](const absl::StatusOr<v1::AckResponse>& response) {
      return response.ok() ? AckAnswered{FromProto(*response)} : AckAnswered{response.status()};
    };
    StartUnary<v1::MessageService, v1::AckResponse>(&v1::MessageService::Stub::PrepareAsyncAck,
                                                    ToProto(batch.message_ids, consumer, batch.ack), timeout,
                                                    convert);
  }

  void StartDeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                        absl::Duration timeout) override {
    const auto convert = [](const absl::StatusOr<v1::DeclareKeysResponse>& response) {
      return DeclareAnswered{response.status()};
    };
    StartUnary<v1::RunService, v1::DeclareKeysResponse>(&v1::RunService::Stub::PrepareAsyncDeclareKeys,
                                                        ToDeclareKeysRequest(run, keys), timeout, convert);
  }

  WireEvent Wait(absl::Duration at_most) override {
    if (stream_ != nullptr) stream_->Resume();
    if (!failed_.empty()) {
      WireEvent event = std::move(failed_.front());
      failed_.pop_front();
      return event;
    }
    const gpr_timespec deadline = GrpcDeadline(at_most);
    while (true) {
      void* tag = nullptr;
      bool ok = false;
      if (queue_->AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return TimedOut{};
      if (tag == &waker_) {
        waker_.OnFired();
        return Woken{};
      }
      if (std::optional<WireEvent> event = Advance(static_cast<Call*>(tag), ok)) return *std::move(event);
    }
  }

  void Wake() override { waker_.Wake(); }

 private:
  template <typename Service, typename Response, typename Method, typename Request>
  void StartUnary(Method prepare, const Request& request, absl::Duration timeout,
                  const UnaryCall<Response>::Convert& convert) {
    auto* call = new UnaryCall<Response>(convert);
    if (Prepare(*call, timeout, convert)) call->Start(stubs_->Of<Service>(), prepare, request, queue_.get());
  }

  // Takes the call over. When it cannot even be started, its failure becomes the next event.
  template <typename Failure>
  bool Prepare(Call& call, absl::Duration timeout, const Failure& failure) {
    if (absl::Status status = connection_->Prepare(call.context_, timeout); !status.ok()) {
      delete &call;
      failed_.push_back(failure(std::move(status)));
      return false;
    }
    calls_.insert(&call);
    return true;
  }

  bool DrainCalls() {
    const gpr_timespec deadline = GrpcDeadline(kDrainTime);
    void* tag = nullptr;
    bool ok = false;
    while (!calls_.empty()) {
      if (queue_->AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return false;
      if (tag != &waker_) Advance(static_cast<Call*>(tag), ok);
    }
    return true;
  }

  std::optional<WireEvent> Advance(Call* call, bool ok) {
    std::optional<WireEvent> event = call->Advance(ok);
    if (call->IsCancelled()) {
      call->Resume();  // A cancelled stream is read to its end.
      event.reset();
    }
    if (call->IsDone()) {
      if (call == stream_) stream_ = nullptr;
      calls_.erase(call);
      delete call;
    }
    return event;
  }

  const std::shared_ptr<GrpcConnection> connection_;
  std::unique_ptr<GrpcStubs> stubs_;
  std::unique_ptr<grpc::CompletionQueue> queue_;
  Waker waker_;

  std::set<Call*> calls_;  // Owned; each lives until the queue has returned its last operation.
  StreamCall* stream_ = nullptr;
  std::deque<WireEvent> failed_;  // At most one for each kind of call.
};

}  // namespace

std::unique_ptr<InboxWire> MakeGrpcInboxWire(std::shared_ptr<GrpcConnection> connection) {
  return std::make_unique<GrpcInboxWire>(std::move(connection));
}

}  // namespace signalbox::internal
