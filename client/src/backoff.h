#ifndef SIGNALBOX_SRC_BACKOFF_H
#define SIGNALBOX_SRC_BACKOFF_H

#include "absl/time/time.h"
#include "random.h"

namespace signalbox::internal {

/// How long to wait before something that failed is tried again.
///
/// The upper bound doubles with each failure, from twice `min` to `max`; the wait is drawn evenly
/// from `min` to that bound, so that many clients do not come back at once. Whoever uses it calls
/// Reset() when things have worked for a while; a mere success is not enough. Not thread-safe.
class Backoff {
 public:
  struct Options {
    absl::Duration min = absl::Milliseconds(100);
    absl::Duration max = absl::Seconds(5);
  };

  Backoff(Options options, RandomFraction random);

  /// The wait after one more failure.
  absl::Duration Next();

  /// Starts again with the shortest wait.
  void Reset() { bound_ = options_.min; }

 private:
  Options options_;
  RandomFraction random_;
  absl::Duration bound_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_BACKOFF_H
