#ifndef SIGNALBOX_SERVICE_FEED_SWEEP_H
#define SIGNALBOX_SERVICE_FEED_SWEEP_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/domain/message_log.h"
#include "service/feed/await_registry.h"
#include "service/feed/subscription_hub.h"

namespace signalbox::service {

/// Finds what a lost hint missed, writes down what has expired, and is the proof that the database
/// answers. Run() is called once in an interval by one thread; it blocks on the database.
class Sweep {
 public:
  /// `announce` tells the other replicas of runs that the sweep changed.
  Sweep(MessageLog& log, SubscriptionHub& hub, AwaitRegistry& awaits,
        std::function<void(std::vector<int64_t>)> announce, std::function<absl::Time()> now)
      : log_(log), hub_(hub), awaits_(awaits), announce_(std::move(announce)), now_(std::move(now)) {}

  void Run();

  /// How long ago the database answered the last time; infinite before the first answer. Thread-safe.
  absl::Duration SilentFor() const;

 private:
  absl::Status Expire();
  absl::Status CompareHeads();

  MessageLog& log_;
  SubscriptionHub& hub_;
  AwaitRegistry& awaits_;
  const std::function<void(std::vector<int64_t>)> announce_;
  const std::function<absl::Time()> now_;
  std::atomic<int64_t> last_answer_us_{0};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_SWEEP_H
