#ifndef SIGNALBOX_TESTS_BENCH_UNARY_SLOT_H
#define SIGNALBOX_TESTS_BENCH_UNARY_SLOT_H

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/bench/closed_loop.h"

namespace signalbox::bench {

/// Makes one unary call of gRPC after the other; request and response are used again.
template <class Request, class Response>
class UnarySlot final : public Slot {
 public:
  using Call =
      std::function<void(grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>)>;

  struct Hooks {
    Call call;
    std::function<bool(Request&)> prepare;                 ///< Fills the next request; false: no more.
    std::function<absl::Status(const Response&)> examine;  ///< May be empty.
  };

  explicit UnarySlot(Hooks hooks) : hooks_(std::move(hooks)) {}

 private:
  bool Start() override {
    if (!hooks_.prepare(request_)) return false;
    context_.emplace();
    hooks_.call(&*context_, &request_, &response_, [this](const grpc::Status& status) { OnAnswer(status); });
    return true;
  }

  void OnAnswer(const grpc::Status& status) {
    if (!status.ok()) {
      End({static_cast<absl::StatusCode>(status.error_code()), status.error_message()});
    } else {
      End(hooks_.examine ? hooks_.examine(response_) : absl::OkStatus());
    }
  }

  const Hooks hooks_;
  Request request_;
  Response response_;
  std::optional<grpc::ClientContext> context_;
};

/// So many slots, each with what `hooks` makes for its number.
template <class Request, class Response, class MakeHooks>
std::vector<std::unique_ptr<Slot>> UnarySlots(int count, const MakeHooks& hooks) {
  std::vector<std::unique_ptr<Slot>> slots;
  for (int i = 0; i < count; ++i) slots.push_back(std::make_unique<UnarySlot<Request, Response>>(hooks(i)));
  return slots;
}

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_UNARY_SLOT_H
