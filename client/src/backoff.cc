#include "backoff.h"

#include <algorithm>
#include <utility>

namespace signalbox::internal {

Backoff::Backoff(Options options, RandomFraction random)
    : options_(options), random_(std::move(random)), bound_(options.min) {}

absl::Duration Backoff::Next() {
  bound_ = std::min(bound_ * 2, options_.max);
  return options_.min + (bound_ - options_.min) * random_();
}

}  // namespace signalbox::internal
