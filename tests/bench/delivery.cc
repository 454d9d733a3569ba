#include "tests/bench/delivery.h"

#include <semaphore>
#include <thread>

#include "tests/bench/clock.h"
#include "tests/bench/latencies.h"

namespace signalbox::bench {
namespace {

// The thread that waits for messages, and when it had each.
class Receiver {
 public:
  explicit Receiver(std::function<absl::Status()> receive)
      : receive_(std::move(receive)), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  ~Receiver() {
    thread_.request_stop();
    wanted_.release();
  }

  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // From now on it waits for one message more.
  void Want() { wanted_.release(); }

  // When that message was there.
  absl::StatusOr<int64_t> Arrival() {
    arrived_.acquire();
    if (!status_.ok()) return status_;
    return arrival_;
  }

 private:
  void Run(const std::stop_token& stop) {
    while (true) {
      wanted_.acquire();
      if (stop.stop_requested()) return;
      status_ = receive_();
      arrival_ = Nanoseconds();
      arrived_.release();
    }
  }

  const std::function<absl::Status()> receive_;
  std::counting_semaphore<> wanted_{0};  // also by who ends it, when the last is still wanted
  std::binary_semaphore arrived_{0};
  absl::Status status_;
  int64_t arrival_ = 0;
  std::jthread thread_;
};

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
  Receiver receiver(hooks.receive);
  for (int number = 0; number < warm_up + options.messages; ++number) {
    receiver.Want();
    Sleep(options.pause_ms / 1e3);
    const int64_t begin = Nanoseconds();
    if (absl::Status status = hooks.publish(number); !status.ok()) return status;
    const int64_t answer = Nanoseconds();
    const absl::StatusOr<int64_t> arrival = receiver.Arrival();
    if (!arrival.ok()) return arrival.status();
    if (hooks.settle) hooks.settle();
    if (number < warm_up) continue;
    answered.Add(answer - begin);
    delivered.Add(*arrival - begin);
  }
  nlohmann::json result = delivered.Summary();
  result["answered"] = answered.Summary();
  return result;
}

}  // namespace signalbox::bench
