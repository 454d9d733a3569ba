#include "tests/bench/signalbox_runs.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "signalbox/v1/run_service.grpc.pb.h"
#include "tests/bench/load.h"
#include "tests/bench/sample.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {

std::string RunName(const std::string& prefix, int64_t number) {
  return absl::StrCat(prefix, "-", absl::Dec(number, absl::kZeroPad5));
}

std::string NewPrefix(const std::string& purpose) {
  return absl::StrCat(purpose, "-", absl::Hex(std::random_device()(), absl::kZeroPad8));
}

absl::Status EnsureRuns(const std::string& address, const std::string& prefix, int64_t count) {
  const auto stubs = Stubs<v1::RunService>(address);
  v1::GetRunRequest last;
  last.mutable_run()->set_id(RunName(prefix, count - 1));
  v1::GetRunResponse there;
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  if (stubs[0]->GetRun(&context, last, &there).ok()) return absl::OkStatus();

  // Runs of one project are created one after the other, because they are numbered.
  constexpr int kAtATime = 32;
  Counter counter;
  const auto hooks = [&](int slot) -> UnarySlot<v1::CreateRunRequest, v1::CreateRunResponse>::Hooks {
    return {.call = [stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { stub->async()->CreateRun(context, request, response, std::move(done)); },
            .prepare =
                [&](v1::CreateRunRequest& request) {
                  const int64_t number = counter.Next();
                  request.set_project(absl::StrCat("bench/runs-", number % kAtATime));
                  request.set_run_id(RunName(prefix, number));
                  return number < count;
                },
            .examine = {}};
  };
  return ClosedLoop(UnarySlots<v1::CreateRunRequest, v1::CreateRunResponse>(kAtATime, hooks)).Finish();
}

}  // namespace signalbox::bench
