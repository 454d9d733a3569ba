#ifndef SIGNALBOX_SERVICE_POSTGRES_RUN_LOOKUP_H
#define SIGNALBOX_SERVICE_POSTGRES_RUN_LOOKUP_H

#include "absl/status/statusor.h"
#include "service/domain/message_log.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {

/// kNotFound, which names the run.
absl::Status NoSuchRun(const RunRef& run);

/// Finds a run within a transaction. kNotFound names it. Throws what pqxx throws.
absl::StatusOr<RunInfo> LookUpRun(Transaction& transaction, const RunRef& run, int64_t epoch);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_RUN_LOOKUP_H
