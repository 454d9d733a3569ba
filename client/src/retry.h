#ifndef SIGNALBOX_SRC_RETRY_H
#define SIGNALBOX_SRC_RETRY_H

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backoff.h"
#include "clock.h"

namespace signalbox::internal {

/// Whether the same call may succeed when it is simply made again.
bool IsRetryable(absl::StatusCode code);

/// Whether the server has refused a claim for good, so that repeating it changes nothing.
bool IsFinalForAck(absl::StatusCode code);

/// When CallWithRetry() gives up, and how it waits.
struct RetryOptions {
  absl::Duration timeout;
  Backoff::Options backoff{absl::Milliseconds(50), absl::Seconds(1)};
};

/// Makes `call(time_left)`, a function that returns absl::StatusOr<…>, until it succeeds, fails for
/// a reason that will not go away, or `timeout` is over; returns its last answer. Between two tries
/// `pause(wait)` blocks for that long at most. Every try must be harmless to repeat.
template <typename Call, typename Pause>
auto CallWithRetry(Clock& clock, const RandomFraction& random, const RetryOptions& options, Call call,
                   Pause pause) -> decltype(call(absl::Duration())) {
  const Instant deadline = clock.Now() + options.timeout;
  Backoff backoff(options.backoff, random);
  while (true) {
    auto answer = call(deadline - clock.Now());
    if (answer.ok() || !IsRetryable(answer.status().code())) return answer;
    const absl::Duration wait = backoff.Next();
    if (clock.Now() + wait >= deadline) return answer;
    pause(wait);
  }
}

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_RETRY_H
