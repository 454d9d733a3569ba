#ifndef SIGNALBOX_SERVICE_POSTGRES_MIGRATOR_H
#define SIGNALBOX_SERVICE_POSTGRES_MIGRATOR_H

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/postgres/connection_pool.h"

namespace signalbox::service {

/// One numbered file of migrations/, embedded in the binary.
struct Migration {
  int version = 0;
  std::string_view name;
  std::string_view text;
};

/// All migrations of this binary, by version: 1, 2, 3, …
absl::Span<const Migration> EmbeddedMigrations();

/// Brings the schema up to date, each migration in a transaction of its own, and returns the versions
/// it applied. Replicas that do so at once take turns (an advisory lock). kUnavailable: the
/// database cannot be reached. kFailedPrecondition: the database holds versions this binary does not
/// know, or a migration was changed after it was applied.
absl::StatusOr<std::vector<int>> Migrate(const ConnectionOptions& options,
                                         absl::Span<const Migration> migrations);

/// Whether the schema is exactly the one this binary knows; kFailedPrecondition says which version
/// was found and which is wanted. Asks a session of `pool`, which has it ready for the next then.
absl::Status CheckSchema(ConnectionPool& pool, absl::Span<const Migration> migrations);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_MIGRATOR_H
