#include "service/feed/sweep.h"

#include <algorithm>

namespace signalbox::service {
namespace {

// Bounds of one statement; what is more takes several.
constexpr int kExpireBatch = 1000;
constexpr size_t kHeadsBatch = 5000;

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
  for (size_t begin = 0; begin < run_nos.size(); begin += kHeadsBatch) {
    const std::vector<int64_t> batch(run_nos.begin() + begin,
                                     run_nos.begin() + std::min(begin + kHeadsBatch, run_nos.size()));
    const absl::StatusOr<std::vector<RunHead>> heads = log_.ReadHeads(batch);
    if (!heads.ok()) return heads.status();
    hub_.OnHeads(batch, *heads);
  }
  return absl::OkStatus();
}

void Sweep::Run() {
  absl::Status status = Expire();
  if (status.ok()) status = CompareHeads();
  if (!status.ok()) return;  // SilentFor() tells; the log of the change of state is written there
  last_answer_us_.store(absl::ToUnixMicros(now_()));
  awaits_.RecheckAll();
}

}  // namespace signalbox::service
