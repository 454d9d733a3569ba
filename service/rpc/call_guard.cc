#include "service/rpc/call_guard.h"

#include <vector>

#include "service/domain/steady_now.h"

namespace signalbox::service {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(50);

}  // namespace

void CallGuard::Start() {
  thread_ = std::thread([this] { Run(); });
}

void CallGuard::Stop() {
  stop_.Set();
  if (thread_.joinable()) thread_.join();
}

void CallGuard::Watch(std::weak_ptr<GuardedCall> call) {
  absl::MutexLock lock(&mu_);
  calls_.emplace_back(SteadyNow() + patience_, std::move(call));
}

void CallGuard::Run() {
  while (!stop_.WaitFor(kTick)) {
    std::vector<std::weak_ptr<GuardedCall>> late;
    {
      absl::MutexLock lock(&mu_);
      const absl::Time now = SteadyNow();
      while (!calls_.empty() && calls_.front().first <= now) {
        late.push_back(std::move(calls_.front().second));
        calls_.pop_front();
      }
    }
    for (const std::weak_ptr<GuardedCall>& call : late) {
      if (const std::shared_ptr<GuardedCall> alive = call.lock()) {
        alive->GiveUp(absl::UnavailableError("the database did not answer in time; try again"));
      }
    }
  }
}

}  // namespace signalbox::service
