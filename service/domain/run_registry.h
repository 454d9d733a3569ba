#ifndef SIGNALBOX_SERVICE_DOMAIN_RUN_REGISTRY_H
#define SIGNALBOX_SERVICE_DOMAIN_RUN_REGISTRY_H

#include <vector>

#include "absl/status/statusor.h"
#include "service/domain/run.h"

namespace signalbox::service {

struct EndedRun {
  Run run;
  bool by_this_call = false;
};

struct RunPage {
  std::vector<Run> runs;
  bool more = false;
};

/// Runs, their ranks, and the keys they declared. Threads and errors as in MessageLog.
class RunRegistry {
 public:
  virtual ~RunRegistry() = default;

  /// kAlreadyExists: the id or the request id was used with other content.
  virtual absl::StatusOr<Run> Create(const NewRun& draft) = 0;
  virtual absl::StatusOr<Run> Get(const RunRef& run) = 0;
  virtual absl::StatusOr<RunPage> List(const RunQuery& query) = 0;

  /// Ends the run; the first outcome stays.
  virtual absl::StatusOr<EndedRun> End(const RunRef& run, RunOutcome outcome) = 0;

  /// kFailedPrecondition: the run ended. kResourceExhausted: it would have too many keys.
  virtual absl::StatusOr<Run> DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_RUN_REGISTRY_H
