#ifndef SIGNALBOX_TESTS_BENCH_SIGNALBOX_RUNS_H
#define SIGNALBOX_TESTS_BENCH_SIGNALBOX_RUNS_H

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace signalbox::bench {

/// Id of the run with this number: "PREFIX-00042".
std::string RunName(const std::string& prefix, int64_t number);

/// A prefix that no other process uses.
std::string NewPrefix(const std::string& purpose);

/// Creates the runs numbered from 0 that are not there yet.
absl::Status EnsureRuns(const std::string& address, const std::string& prefix, int64_t count);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_SIGNALBOX_RUNS_H
