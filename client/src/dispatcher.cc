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
  Ack ack{AckOutcome::kApplied, std::nullopt, "", step};
  if (!result->is_null()) ack.reply = *std::move(result);
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
  if (!shared.state.HasPending() || dispatching_.exchange(true)) return 0;
  // Also reset when a thread is cancelled inside a handler.
  const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)> reset(
      &dispatching_, [](std::atomic<bool>* flag) { flag->store(false); });
  return DispatchPending(step, at_most, shared, on_acked);
}

int Dispatcher::DispatchPending(int64_t step, int at_most, InboxShared& shared,
                                const std::function<void()>& on_acked) {
  int count = 0;
  for (const MessagePtr& message : shared.state.All()) {
    if (count >= at_most) return count;
    const Table* table = table_.load();
    if (table == nullptr) return count;
    const auto found = table->find(message->key);
    if (found == table->end() || !shared.BeginHandling(message->id)) continue;
    shared.FinishHandling(message->id, RunHandler(found->second->handler, *message, step));
    on_acked();
    ++count;
  }
  return count;
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
