#ifndef SIGNALBOX_TESTS_BENCH_DELIVERY_H
#define SIGNALBOX_TESTS_BENCH_DELIVERY_H

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace signalbox::bench {

struct DeliveryOptions {
  int messages = 300;
  double pause_ms = 5;
};

/// Adds --messages and --pause-ms.
void AddDeliveryFlags(CLI::App* command, DeliveryOptions& options);

/// How one system publishes and receives.
struct DeliveryHooks {
  std::function<absl::Status(int64_t number)> publish;  ///< Returns when the system has answered.
  std::function<absl::Status()> receive;  ///< Returns when the next message is there; on a thread of its own.
  std::function<void()> settle;           ///< After both, not measured; may be empty.
};

/// One message at a time with a pause between, for every system alike: the time from the start of a publish
/// until a thread that waits for the message has it, and until the publisher has the answer. Which of
/// them is first is the system's affair.
absl::StatusOr<nlohmann::json> MeasureDelivery(const DeliveryOptions& options, const DeliveryHooks& hooks);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_DELIVERY_H
