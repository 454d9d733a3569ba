#ifndef SIGNALBOX_SERVICE_DOMAIN_EXECUTOR_H
#define SIGNALBOX_SERVICE_DOMAIN_EXECUTOR_H

#include <functional>

#include "absl/status/status.h"

namespace signalbox::service {

/// Runs tasks on threads of its own. Thread-safe; never blocks the caller.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Runs `task` soon, once. kUnavailable: too much is waiting already or the executor is stopping;
  /// `task` was dropped without running.
  virtual absl::Status Submit(std::function<void()> task) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_EXECUTOR_H
