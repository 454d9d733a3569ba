#include "tests/bench/delivery.h"

#include <thread>

#include "tests/bench/clock.h"
#include "tests/bench/latencies.h"

namespace signalbox::bench {
namespace {

constexpr double kLongest = 5;

}  // namespace

void AddDeliveryFlags(CLI::App* command, DeliveryOptions& options) {
  command->add_option("--messages", options.messages, "Messages that are measured")
      ->check(CLI::PositiveNumber);
  command->add_option("--pause-ms", options.pause_ms, "Pause before each");
}

absl::StatusOr<nlohmann::json> MeasureDelivery(const DeliveryOptions& options, const DeliveryHooks& hooks) {
  const int warm_up = options.messages / 10 + 1;
  Latencies answered;
  Latencies delivered;
  for (int number = 0; number < warm_up + options.messages; ++number) {
    Sleep(options.pause_ms / 1e3);
    const int64_t begin = Nanoseconds();
    if (absl::Status status = hooks.publish(number); !status.ok()) return status;
    const int64_t answer = Nanoseconds();
    while (!hooks.has_arrived()) {
      if (Nanoseconds() - begin > FromSeconds(kLongest)) return absl::DeadlineExceededError("not delivered");
      std::this_thread::yield();
    }
    const int64_t end = Nanoseconds();
    if (hooks.settle) hooks.settle();
    if (number < warm_up) continue;
    answered.Add(answer - begin);
    delivered.Add(end - begin);
  }
  nlohmann::json result = delivered.Summary();
  result["answered"] = answered.Summary();
  return result;
}

}  // namespace signalbox::bench
