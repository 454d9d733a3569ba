#ifndef SIGNALBOX_SRC_RANDOM_H
#define SIGNALBOX_SRC_RANDOM_H

#include <functional>
#include <string>

namespace signalbox::internal {

/// Draws a number from [0, 1). Injected wherever something is spread in time.
using RandomFraction = std::function<double()>;

/// A RandomFraction; thread-safe, not for secrets.
double SystemRandomFraction();

/// 128 random bits from the operating system as 32 hexadecimal digits. Two processes never draw the
/// same, not even a forked child and its parent. Thread-safe.
std::string RandomId();

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_RANDOM_H
