#ifndef SIGNALBOX_SERVICE_FEED_SWEEP_H
#define SIGNALBOX_SERVICE_FEED_SWEEP_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/domain/message_log.h"
#include "service/feed/await_registry.h"
#include "service/feed/subscription_hub.h"
#include "service/telemetry/metrics.h"

namespace signalbox::service {

/// Finds what a lost hint missed, writes down what has expired, and is the proof that the database
/// answers. Run() is called once in an interval by one thread; it blocks on the database.
class Sweep {
 public:
  struct Options {
    bool expects_hints = true;  // what no hint told of is worth a warning
  };

  /// `announce` tells the other replicas of runs that the sweep changed.
  Sweep(MessageLog& log, SubscriptionHub& hub, AwaitRegistry& awaits, Options options,
        std::function<void(std::vector<int64_t>)> announce, std::function<absl::Time()> now, Metrics& metrics)
      : log_(log),
        hub_(hub),
        awaits_(awaits),
        options_(options),
        announce_(std::move(announce)),
        now_(std::move(now)),
        metrics_(metrics) {}

  void Run();

  /// How long ago the database answered the last time; infinite before the first answer. Thread-safe.
  absl::Duration SilentFor() const;

  /// What was wrong the last time; that there is no answer while there is none. Thread-safe.
  std::string LastError() const;

 private:
  static constexpr char kNoAnswer[] = "no answer";

  absl::Status Expire();
  void Warn(int untold);
  absl::Status CompareHeads();

  MessageLog& log_;
  SubscriptionHub& hub_;
  AwaitRegistry& awaits_;
  const Options options_;
  const std::function<void(std::vector<int64_t>)> announce_;
  const std::function<absl::Time()> now_;
  Metrics& metrics_;
  std::atomic<int64_t> last_answer_us_{0};
  absl::Time last_find_ = absl::InfinitePast();
  bool is_warned_ = false;

  mutable absl::Mutex mu_;
  std::string last_error_ ABSL_GUARDED_BY(mu_) = kNoAnswer;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_FEED_SWEEP_H
