#include "service/feed/sweep.h"

#include <algorithm>

#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

// Bounds of one statement; what is more takes several.
constexpr int kExpireBatch = 1000;
constexpr size_t kHeadsBatch = 5000;

// Without a find for so long, hints are believed to arrive again.
constexpr absl::Duration kQuiet = absl::Seconds(30);

}  // namespace

absl::Duration Sweep::SilentFor() const {
  const int64_t last = last_answer_us_.load();
  return last == 0 ? absl::InfiniteDuration() : now_() - absl::FromUnixMicros(last);
}

absl::Status Sweep::Expire() {
  absl::StatusOr<std::vector<int64_t>> run_nos = log_.Expire(kExpireBatch);
  if (!run_nos.ok()) return run_nos.status();
  if (run_nos->empty()) return absl::OkStatus();
  hub_.OnHint(*run_nos);
  announce_(*std::move(run_nos));
  return absl::OkStatus();
}

absl::Status Sweep::CompareHeads() {
  const std::vector<int64_t> run_nos = hub_.RunsWithSubscribers();
  int untold = 0;
  for (size_t begin = 0; begin < run_nos.size(); begin += kHeadsBatch) {
    const std::vector<int64_t> batch(run_nos.begin() + begin,
                                     run_nos.begin() + std::min(begin + kHeadsBatch, run_nos.size()));
    const absl::StatusOr<std::vector<RunHead>> heads = log_.ReadHeads(batch);
    if (!heads.ok()) return heads.status();
    untold += hub_.OnHeads(batch, *heads);
  }
  metrics_.sweep_finds.Add(untold);
  if (options_.expects_hints) Warn(untold);
  return absl::OkStatus();
}

// The listening session may be sound while another replica's hints are not: that shows only here.
void Sweep::Warn(int untold) {
  const absl::Time now = now_();
  if (untold > 0) {
    last_find_ = now;
    if (!std::exchange(is_warned_, true)) LogWarning("hints_missing", {{"runs", untold}});
  } else if (is_warned_ && now - last_find_ >= kQuiet) {
    is_warned_ = false;
    LogInfo("hints_back");
  }
}

std::string Sweep::LastError() const {
  absl::MutexLock lock(&mu_);
  return last_error_;
}

void Sweep::Run() {
  absl::Status status = Expire();
  if (status.ok()) status = CompareHeads();
  {
    absl::MutexLock lock(&mu_);
    last_error_ = status.ok() ? kNoAnswer : std::string(status.message());
  }
  if (!status.ok()) return;  // SilentFor() tells; the log of the change of state is written there
  last_answer_us_.store(absl::ToUnixMicros(now_()));
  awaits_.RecheckAll();
}

}  // namespace signalbox::service
