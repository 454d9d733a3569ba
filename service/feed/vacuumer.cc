#include "service/feed/vacuumer.h"

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

constexpr absl::Duration kLookInterval = absl::Seconds(10);
constexpr absl::Duration kLeastPatience = absl::Minutes(3);
constexpr int kRounds = 3;

void LogFailure(const absl::Status& status) {
  // That the database is away is told elsewhere.
  if (absl::IsUnavailable(status) || absl::IsAborted(status)) return;
  LogError("vacuum_failed", {{"error", status.message()}});
}

}  // namespace

bool Vacuumer::IsDue(const OverdueTable& table) {
  Wait& wait = waits_.try_emplace(table.name, Wait{table.vacuums, now_()}).first->second;
  if (wait.vacuums != table.vacuums) wait = {table.vacuums, now_()};
  return now_() - wait.begin >= std::max(kLeastPatience, kRounds * table.round);
}

void Vacuumer::Vacuum(const OverdueTable& table) {
  const absl::Time begin = now_();
  const absl::Status status = store_.Vacuum(table);
  waits_[table.name].begin = now_();  // also when it failed: not again at once
  if (absl::IsFailedPrecondition(status)) {
    if (std::exchange(is_warned_, true)) return;
    LogWarning("vacuum_refused", {{"table", table.name}, {"error", status.message()}});
  } else if (status.ok()) {
    LogInfo("vacuumed", {{"table", table.name},
                         {"dead_rows", table.dead_rows},
                         {"seconds", absl::ToDoubleSeconds(now_() - begin)}});
  } else {
    LogFailure(status);
  }
}

void Vacuumer::Run() {
  if (now_() < next_look_) return;
  next_look_ = now_() + kLookInterval;
  const absl::StatusOr<std::vector<OverdueTable>> tables = store_.FindOverdueTables();
  if (!tables.ok()) return LogFailure(tables.status());
  std::erase_if(waits_, [&](const auto& wait) {
    return std::ranges::find(*tables, wait.first, &OverdueTable::name) == tables->end();
  });
  for (const OverdueTable& table : *tables) {
    if (IsDue(table)) Vacuum(table);
  }
}

}  // namespace signalbox::service
