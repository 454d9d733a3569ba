#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTGRES_BINARIES_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTGRES_BINARIES_H

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/postgres/child_process.h"

namespace signalbox::service {

/// An installed Postgres.
struct PostgresBinaries {
  std::string directory;
  int major_version = 0;

  /// `name` of this Postgres with these arguments, in an environment free of PG… variables and with
  /// English messages.
  ChildProgram Program(const std::string& name, std::vector<std::string> arguments) const;
};

/// Major version of the cluster at this path; unset when there is no cluster.
std::optional<int> MajorVersionOfCluster(const std::string& cluster);

/// The programs in `bin_dir`; when that is empty those below /usr/lib/postgresql, of the version of the
/// cluster if it exists, else the newest; else those in PATH.
///
/// Where no path tells the version it runs `postgres --version`, and blocks for some milliseconds.
/// kFailedPrecondition: none found, which names the package to install, or they do not fit the cluster, which
/// names both versions.
absl::StatusOr<PostgresBinaries> FindPostgres(const std::string& bin_dir, const std::string& cluster);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTGRES_BINARIES_H
