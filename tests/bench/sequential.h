#ifndef SIGNALBOX_TESTS_BENCH_SEQUENTIAL_H
#define SIGNALBOX_TESTS_BENCH_SEQUENTIAL_H

#include <functional>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/window.h"

namespace signalbox::bench {

/// Does one thing after the other on this thread until the time is over, or until the operation says
/// kOutOfRange: nothing is left to do. Each counts as `weight`.
absl::StatusOr<nlohmann::json> RunSequentially(const WindowOptions& options,
                                               const std::function<absl::Status()>& operation,
                                               double weight = 1);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_SEQUENTIAL_H
