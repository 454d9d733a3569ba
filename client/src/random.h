#ifndef SIGNALBOX_SRC_RANDOM_H
#define SIGNALBOX_SRC_RANDOM_H

#include <functional>
#include <string>

#include "absl/time/time.h"

namespace signalbox::internal {

/// Draws a number from [0, 1). Injected wherever something is spread in time.
using RandomFraction = std::function<double()>;

/// A RandomFraction; thread-safe, not for secrets.
double SystemRandomFraction();

/// 128 random bits from the operating system as 32 hexadecimal digits. Two processes never draw the
/// same, not even a forked child and its parent. Thread-safe.
std::string RandomId();

/// The same, but begins with the milliseconds of `now` since 1970, in 48 bits, as a UUID of version 7 does
/// (RFC 9562). Those made later sort later, so that an index of millions grows at its ends, and not in every
/// page.
std::string TimeOrderedId(absl::Time now);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_RANDOM_H
