#include "tests/bench/publishing.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/load.h"
#include "tests/bench/sample.h"
#include "tests/bench/signalbox_runs.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {

namespace {

// Unique: a repeat would be answered without storing anything.
std::string NewRequestId() {
  static const std::string* const kOfThisProcess = new std::string(NewPrefix("request-of-process"));
  static Counter counter;
  return absl::StrCat(*kOfThisProcess, "-", counter.Next());
}

}  // namespace

void FillPublish(const std::string& run_id, int64_t number, int value_bytes, v1::PublishRequest& request) {
  request.mutable_run()->set_id(run_id);
  request.set_key(kKey);
  request.mutable_value()->set_string_value(SampleValue(number, value_bytes));
  request.set_request_id(NewRequestId());
}

std::vector<std::unique_ptr<Slot>> PublishSlots(
    const std::vector<std::unique_ptr<v1::MessageService::Stub>>& stubs, int in_flight, NextPublish next,
    std::function<absl::Status(const v1::PublishResponse&)> examine) {
  const auto hooks = [&](int slot) -> UnarySlot<v1::PublishRequest, v1::PublishResponse>::Hooks {
    return {.call = [stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { stub->async()->Publish(context, request, response, std::move(done)); },
            .prepare = next,
            .examine = examine};
  };
  return UnarySlots<v1::PublishRequest, v1::PublishResponse>(in_flight, hooks);
}

absl::StatusOr<std::vector<std::string>> PublishAll(const std::string& address, int64_t count,
                                                    const std::function<std::string(int64_t)>& run_of) {
  constexpr int kValueBytes = 100;
  constexpr int kAtATime = 256;
  const auto stubs = Stubs<v1::MessageService>(address);
  Counter counter;
  absl::Mutex mu;
  std::vector<std::string> ids;
  const NextPublish next = [&](v1::PublishRequest& request) {
    const int64_t number = counter.Next();
    if (number >= count) return false;
    FillPublish(run_of(number), number, kValueBytes, request);
    return true;
  };
  const auto keep_id = [&](const v1::PublishResponse& response) {
    const absl::MutexLock lock(&mu);
    ids.push_back(response.message().id());
    return absl::OkStatus();
  };
  if (absl::Status status = ClosedLoop(PublishSlots(stubs, kAtATime, next, keep_id)).Finish(); !status.ok()) {
    return status;
  }
  return ids;
}

}  // namespace signalbox::bench
