#include "dispatcher.h"

#include <cxxabi.h>

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "request_rules.h"
#include "text.h"

namespace signalbox::internal {
namespace {

HandlerResult Call(const Handler& handler, const Message& message) {
  try {
    return handler(message);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  } catch (const abi::__forced_unwind&) {
    throw;  // The thread is being cancelled; glibc insists on it.
  } catch (...) {
    return absl::InternalError("an exception that is not a std::exception");
  }
}

std::string TextOf(const absl::Status& error) {
  const std::string text(error.message());
  return text.empty() ? std::string(absl::StatusCodeToString(error.code())) : text;
}

Ack Failure(const std::string& text, int64_t step) {
  return {AckOutcome::kFailed, std::nullopt, CleanErrorText(text, kMaxErrorBytes), step};
}

}  // namespace

Ack RunHandler(const Handler& handler, const Message& message, int64_t step) {
  HandlerResult result = Call(handler, message);
  if (!result.ok()) return Failure(TextOf(result.status()), step);
  if (!result->has_value()) return {};
  Ack ack{AckOutcome::kApplied, std::nullopt, "", step};
  if (!(*result)->is_null()) ack.reply = **std::move(result);
  const absl::Status status = CheckAck(ack);
  // The publisher hears of it; a reply that cannot be sent would only get lost.
  return status.ok()
             ? ack
             : Failure(absl::StrCat("the handler ran, but its answer is invalid: ", status.message()), step);
}

absl::Status Dispatcher::Register(KeyDeclaration declaration, Handler handler) {
  if (absl::Status status = CheckDeclaration(declaration); !status.ok()) return status;
  if (handler == nullptr) return absl::InvalidArgumentError("handler: required");
  const absl::MutexLock lock(&mu_);
  const Table* before = table_.load();
  auto table = before == nullptr ? std::make_unique<Table>() : std::make_unique<Table>(*before);
  std::string key = declaration.key;
  (*table)[std::move(key)] =
      std::make_shared<const Registered>(Registered{std::move(declaration), std::move(handler)});
  if (table->size() > kMaxDeclaredKeys) {
    return absl::ResourceExhaustedError(
        absl::StrCat("key: at most ", kMaxDeclaredKeys, " keys can have handlers"));
  }
  table_.store(table.get());
  tables_.push_back(std::move(table));
  return absl::OkStatus();
}

int Dispatcher::Dispatch(int64_t step, int at_most, InboxShared& shared,
                         const std::function<void()>& on_acked) {
  if (!shared.state.HasPending()) return 0;
  const Turn turn = TakeTurn();
  return turn == nullptr ? 0 : DispatchPending(step, at_most, shared, on_acked);
}

Dispatcher::Turn Dispatcher::TakeTurn() {
  // An owner, so that it is also given back when a thread is cancelled inside a handler.
  return {dispatching_.exchange(true) ? nullptr : &dispatching_,
          [](std::atomic<bool>* flag) { flag->store(false); }};
}

int Dispatcher::DispatchPending(int64_t step, int at_most, InboxShared& shared,
                                const std::function<void()>& on_acked) {
  int count = 0;
  for (const MessagePtr& message : shared.state.All()) {
    if (count >= at_most) return count;
    const std::shared_ptr<const Registered> found = Find(message->key);
    if (found == nullptr) continue;
    const InboxShared::Beginning beginning = shared.BeginHandling(message->id);
    if (beginning == InboxShared::Beginning::kNotNow) return count;
    if (beginning == InboxShared::Beginning::kGone) continue;
    shared.FinishHandling(message->id, RunHandler(found->handler, *message, step));
    on_acked();
    ++count;
  }
  return count;
}

std::vector<MessagePtr> Dispatcher::TakePending(InboxShared& shared) {
  std::vector<MessagePtr> taken;
  if (!shared.state.HasPending()) return taken;
  for (MessagePtr& message : shared.state.All()) {
    if (Find(message->key) == nullptr) continue;
    const InboxShared::Beginning beginning = shared.BeginHandling(message->id);
    if (beginning == InboxShared::Beginning::kNotNow) return taken;
    if (beginning == InboxShared::Beginning::kBegun) taken.push_back(std::move(message));
  }
  return taken;
}

Ack Dispatcher::RunHandlerOf(const Message& message, int64_t step) const {
  const std::shared_ptr<const Registered> found = Find(message.key);
  if (found == nullptr) return Failure(absl::StrCat("no handler for ", message.key), step);
  return RunHandler(found->handler, message, step);
}

std::shared_ptr<const Dispatcher::Registered> Dispatcher::Find(const std::string& key) const {
  const Table* table = table_.load();
  if (table == nullptr) return nullptr;
  const auto found = table->find(key);
  return found == table->end() ? nullptr : found->second;
}

std::vector<KeyDeclaration> Dispatcher::Declarations() const {
  std::vector<KeyDeclaration> declarations;
  const Table* table = table_.load();
  if (table == nullptr) return declarations;
  for (const auto& [key, registered] : *table) declarations.push_back(registered->declaration);
  return declarations;
}

void Dispatcher::CopyFrom(const Dispatcher& other) {
  const Table* table = other.table_.load();
  if (table == nullptr) return;
  const absl::MutexLock lock(&mu_);
  tables_.push_back(std::make_unique<Table>(*table));
  table_.store(tables_.back().get());
}

}  // namespace signalbox::internal
