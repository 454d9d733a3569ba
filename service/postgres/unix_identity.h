#ifndef SIGNALBOX_SERVICE_POSTGRES_UNIX_IDENTITY_H
#define SIGNALBOX_SERVICE_POSTGRES_UNIX_IDENTITY_H

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace signalbox::service {

/// A user and group that a process runs as and files belong to.
struct UnixIdentity {
  uid_t user;
  gid_t group;
};

/// Whom to run Postgres as; unset means: as this process runs. Only root has to switch, because
/// Postgres refuses to run as root: to the owner of the cluster, and before there is one to the user
/// `postgres`, else `nobody`.
/// kFailedPrecondition: the cluster belongs to root, or there is no such user.
absl::StatusOr<std::optional<UnixIdentity>> IdentityForCluster(const std::string& cluster);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_UNIX_IDENTITY_H
