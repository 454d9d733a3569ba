#include "inbox_core.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "consumer_name.h"
#include "group_dispatch.h"
#include "random.h"
#include "request_rules.h"
#include "signal_block.h"

namespace signalbox {

using internal::AckOutbox;
using internal::AckReceipt;
using internal::Backoff;
using internal::MessagePtr;
using internal::OneShot;
using internal::SyncLoop;

namespace {

absl::Status ForkedError() {
  return absl::FailedPreconditionError("the inbox was opened before this process was forked; reopen it here");
}

Backoff AckBackoff(const InboxOptions& options) {
  return Backoff({options.min_backoff, options.max_backoff}, internal::SystemRandomFraction);
}

}  // namespace

absl::StatusOr<std::shared_ptr<InboxCore>> InboxCore::Open(InboxOptions options, WireFactory make_wire,
                                                           internal::Clock& clock) {
  std::shared_ptr<InboxCore> core(new InboxCore(std::move(options), std::move(make_wire), clock));
  if (absl::Status status = core->Start(); !status.ok()) return status;
  return core;
}

InboxCore::InboxCore(InboxOptions options, WireFactory make_wire, internal::Clock& clock)
    : options_(std::move(options)),
      make_wire_(std::move(make_wire)),
      consumer_(options_.consumer.empty() ? internal::MakeConsumerName() : options_.consumer),
      clock_(clock),
      shared_(AckOutbox(options_.max_outstanding_acks, AckBackoff(options_))) {}

InboxCore::~InboxCore() { Close(); }

absl::Status InboxCore::Start() {
  if (!options_.listen) {
    const absl::MutexLock lock(&shared_.mu);
    shared_.report.state = ConnectionState::kClosed;
    return absl::OkStatus();
  }
  const internal::SignalBlock block_signals;
  wire_ = make_wire_();
  try {
    thread_ = std::thread(&InboxCore::RunThread, this);
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat("no thread for the inbox: ", error.what()));
  }
  return absl::OkStatus();
}

void InboxCore::Wake() {
  if (wire_ != nullptr) wire_->Wake();
}

void InboxCore::RunThread() {
  // The program must not end because memory ran out here.
  try {
    SyncLoop loop(LoopOptions(), shared_, *wire_, clock_, internal::SystemRandomFraction);
    loop.Run();
  } catch (const std::exception& error) {
    const absl::MutexLock lock(&shared_.mu);
    shared_.closing = true;
    shared_.state.Clear();
    shared_.report.state = ConnectionState::kClosed;
    shared_.report.last_error = absl::InternalError(error.what());
  }
}

SyncLoop::Options InboxCore::LoopOptions() const {
  SyncLoop::Options loop;
  loop.run = options_.run;
  loop.keys = options_.keys;
  loop.consumer = consumer_;
  loop.policy.refresh_interval = options_.refresh_interval;
  loop.policy.silence_timeout = options_.silence_timeout;
  loop.policy.backoff = {options_.min_backoff, options_.max_backoff};
  return loop;
}

MessagePtr InboxCore::Oldest(std::string_view key) const {
  return InForkedChild() ? nullptr : shared_.state.Oldest(key);
}

std::vector<ReceivedMessage> InboxCore::All(const std::weak_ptr<InboxCore>& self) const {
  if (InForkedChild()) return {};
  return shared_.state.AllAs([&](MessagePtr message) { return ReceivedMessage(std::move(message), self); });
}

absl::Status InboxCore::Ack(const std::string& message_id, signalbox::Ack ack, AckReceipt receipt) {
  if (InForkedChild()) return ForkedError();
  if (absl::Status status = internal::CheckAck(ack); !status.ok()) return status;
  if (!options_.listen) {
    if (receipt != nullptr) receipt->Set(true);
    return absl::OkStatus();
  }
  absl::Status status = shared_.AddAck(message_id, std::move(ack), std::move(receipt));
  if (status.ok()) Wake();
  return status;
}

absl::Status InboxCore::On(KeyDeclaration declaration, Handler handler) {
  if (InForkedChild()) return ForkedError();
  const std::vector<std::string>& keys = options_.keys;
  if (!keys.empty() && std::ranges::find(keys, declaration.key) == keys.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("key: ", declaration.key, " is not among the keys of this inbox"));
  }
  if (absl::Status status = dispatcher_.Register(std::move(declaration), std::move(handler)); !status.ok()) {
    return status;
  }
  {
    const absl::MutexLock lock(&shared_.mu);
    if (shared_.closing) return absl::FailedPreconditionError("the inbox is closed");
    shared_.declarations = dispatcher_.Declarations();
    ++shared_.declarations_version;
  }
  Wake();
  return absl::OkStatus();
}

int InboxCore::Dispatch(int64_t step, int at_most) {
  if (InForkedChild()) return 0;
  return dispatcher_.Dispatch(std::max<int64_t>(step, 0), at_most, shared_, [this] { Wake(); });
}

absl::StatusOr<int> InboxCore::Dispatch(int64_t step, Group& group, int64_t every) {
  if (InForkedChild()) return ForkedError();
  if (every < 1) return absl::InvalidArgumentError(absl::StrCat("every: ", every, ", must be at least 1"));
  const internal::Dispatcher::Turn turn = dispatcher_.TakeTurn();
  if (turn == nullptr) return absl::FailedPreconditionError("another dispatch is under way");
  step = std::max<int64_t>(step, 0);
  if (last_control_point_ == step / every) return 0;
  last_control_point_ = step / every;
  internal::GroupDispatch dispatch(group, step, dispatcher_);
  return group.rank() == 0 ? dispatch.Lead(shared_, [this] { Wake(); }) : dispatch.Follow();
}

InboxStatus InboxCore::Status() const {
  if (InForkedChild()) return {ConnectionState::kClosed, absl::InfiniteDuration(), ForkedError()};
  const absl::MutexLock lock(&shared_.mu);
  if (shared_.closing)
    return {ConnectionState::kClosed, clock_.Now() - shared_.report.fresh_at, shared_.report.last_error};
  return {shared_.report.state, clock_.Now() - shared_.report.fresh_at, shared_.report.last_error};
}

bool InboxCore::WaitSynced(absl::Duration timeout) {
  if (InForkedChild()) return false;
  auto reached = std::make_shared<OneShot<bool>>();
  {
    const absl::MutexLock lock(&shared_.mu);
    if (shared_.closing || !options_.listen) return false;
    shared_.sync_waiters.push_back({clock_.Now(), reached});
  }
  Wake();
  return reached->WaitFor(timeout).value_or(false);
}

bool InboxCore::WaitNewer(int64_t sequence, absl::Duration timeout) {
  if (InForkedChild() || !options_.listen) return false;
  const std::shared_ptr<OneShot<bool>> told = shared_.AwaitNewer(sequence);
  const bool is_newer = told->WaitFor(timeout).value_or(false);
  shared_.ForgetNewer(told);
  return is_newer;
}

void InboxCore::Close() {
  if (InForkedChild()) return;
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.closing = true;
    shared_.TellNewer();
  }
  const absl::MutexLock lock(&join_mu_);
  if (!thread_.joinable()) return;
  Wake();
  thread_.join();
}

absl::StatusOr<std::shared_ptr<InboxCore>> InboxCore::Reopen() const {
  InboxOptions options = options_;
  options.consumer.clear();  // Two processes with one name would share their claims.
  absl::StatusOr<std::shared_ptr<InboxCore>> core = Open(std::move(options), make_wire_, clock_);
  if (!core.ok()) return core;
  (*core)->dispatcher_.CopyFrom(dispatcher_);
  const absl::MutexLock lock(&(*core)->shared_.mu);
  (*core)->shared_.declarations = (*core)->dispatcher_.Declarations();
  (*core)->shared_.declarations_version = (*core)->shared_.declarations.empty() ? 0 : 1;
  return core;
}

}  // namespace signalbox
