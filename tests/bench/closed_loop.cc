#include "tests/bench/closed_loop.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/clock.h"

namespace signalbox::bench {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

}  // namespace

void Slot::End(const absl::Status& status) {
  const int64_t now = Nanoseconds();
  if (!status.ok()) return loop_->Retire(status);
  if (now >= loop_->begin_ && now < loop_->end_) latencies_.Add(now - began_);
  loop_->Next(*this);
}

ClosedLoop::ClosedLoop(std::vector<std::unique_ptr<Slot>> slots) : slots_(std::move(slots)) {
  for (const auto& slot : slots_) slot->loop_ = this;
}

void ClosedLoop::StartAll(int64_t begin, int64_t end) {
  begin_ = begin;
  end_ = end;
  {
    const absl::MutexLock lock(&mu_);
    active_ = static_cast<int>(slots_.size());
  }
  for (const auto& slot : slots_) Next(*slot);
}

void ClosedLoop::Next(Slot& slot) {
  const int64_t now = Nanoseconds();
  slot.began_ = now;
  if (now >= end_ || !slot.Start()) Retire(absl::OkStatus());
}

void ClosedLoop::Retire(const absl::Status& status) {
  const absl::MutexLock lock(&mu_);
  end_ = std::min<int64_t>(end_, Nanoseconds());
  error_.Update(status);
  --active_;
}

// Returns at `deadline` at the latest, and as soon as a slot found nothing to do or failed.
void ClosedLoop::WaitForRetiredBefore(int64_t deadline, int slots) {
  const absl::MutexLock lock(&mu_);
  const auto is_retired = [this, slots]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return active_ < slots; };
  mu_.AwaitWithTimeout(absl::Condition(&is_retired), absl::Nanoseconds(deadline - Nanoseconds()));
}

absl::Status ClosedLoop::WaitForAll() {
  const absl::MutexLock lock(&mu_);
  const auto is_over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return active_ == 0; };
  mu_.Await(absl::Condition(&is_over));
  return error_;
}

absl::StatusOr<nlohmann::json> ClosedLoop::Run(const WindowOptions& options, double weight) {
  const auto slots = static_cast<int>(slots_.size());
  const int64_t begin = Nanoseconds() + FromSeconds(options.warm_up);
  StartAll(begin, begin + FromSeconds(options.seconds));
  WaitForRetiredBefore(begin, slots);
  const CpuMeter cpu(options.server_pid);
  WaitForRetiredBefore(end_, slots);
  if (absl::Status status = WaitForAll(); !status.ok()) return status;
  Latencies latencies;
  for (const auto& slot : slots_) latencies.Add(slot->latencies_);
  if (latencies.count() == 0) return absl::FailedPreconditionError("nothing was left after the warm-up");
  return Summary(latencies, end_ - begin, cpu, weight);
}

absl::Status ClosedLoop::Finish() {
  StartAll(0, kNever);
  return WaitForAll();
}

}  // namespace signalbox::bench
