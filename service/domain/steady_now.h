#ifndef SIGNALBOX_SERVICE_DOMAIN_STEADY_NOW_H
#define SIGNALBOX_SERVICE_DOMAIN_STEADY_NOW_H

#include "absl/time/time.h"

namespace signalbox::service {

/// For deadlines and intervals within this process: a time that counts evenly, also while the machine
/// is asleep, and does not jump when the wall clock is set. Only differences mean anything. Thread-safe.
absl::Time SteadyNow();

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_STEADY_NOW_H
