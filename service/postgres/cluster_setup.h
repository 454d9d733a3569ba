#ifndef SIGNALBOX_SERVICE_POSTGRES_CLUSTER_SETUP_H
#define SIGNALBOX_SERVICE_POSTGRES_CLUSTER_SETUP_H

#include <optional>

#include "absl/status/status.h"
#include "service/postgres/child_process.h"
#include "service/postgres/data_directory.h"
#include "service/postgres/postgres_binaries.h"
#include "service/postgres/postgres_log.h"
#include "service/postgres/unix_identity.h"

namespace signalbox::service {

/// Superuser and database of an embedded cluster.
inline constexpr char kEmbeddedUser[] = "signalbox";
inline constexpr char kEmbeddedDatabase[] = "signalbox";

/// Makes the cluster with its database unless it exists. The work is done in a folder beside it, which
/// gets its name when everything is on disk, so an interruption at any point leaves nothing half made;
/// the next call removes what it left.
///
/// Blocks for seconds, at most 2 minutes; `pause` can end it (kCancelled). Call it from the thread that
/// lives as long as the process is to live. kFailedPrecondition tells what went wrong and where the log is.
absl::Status MakeClusterUnlessExisting(const DataDirectory& data, const PostgresBinaries& binaries,
                                       const std::optional<UnixIdentity>& owner, const PostgresLog& log,
                                       const Pause& pause);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_CLUSTER_SETUP_H
