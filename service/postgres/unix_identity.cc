#include "service/postgres/unix_identity.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

std::optional<UnixIdentity> LookUp(const char* name) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return UnixIdentity{.user = entry.pw_uid, .group = entry.pw_gid};
}

}  // namespace

absl::StatusOr<std::optional<UnixIdentity>> IdentityForCluster(const std::string& cluster) {
  if (geteuid() != 0) return std::nullopt;
  struct stat status {};
  if (stat(cluster.c_str(), &status) == 0) {
    if (status.st_uid != 0) return UnixIdentity{.user = status.st_uid, .group = status.st_gid};
    return absl::FailedPreconditionError(absl::StrCat(
        cluster, " belongs to root, as whom Postgres does not run; change its owner: chown -R postgres ",
        cluster));
  }
  for (const char* name : {"postgres", "nobody"}) {
    if (const std::optional<UnixIdentity> identity = LookUp(name); identity.has_value()) return identity;
  }
  return absl::FailedPreconditionError(
      "Postgres does not run as root, and there is neither a user postgres nor nobody to run it as");
}

}  // namespace signalbox::service
