#include "service/postgres/socket_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

namespace fs = std::filesystem;

constexpr char kSocket[] = "/.s.PGSQL.5432";
constexpr char kSocketLock[] = "/.s.PGSQL.5432.lock";
constexpr char kPrivatePrefix[] = "signalbox-";
constexpr std::size_t kMaxSocketPathBytes = 107;  // sockaddr_un holds 108 with the NUL.

absl::Status SystemError(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat("socket directory ", path, ": ", strerror(errno)));
}

// libpq takes a comma for the end of one host and the begin of the next.
bool IsFitForSocket(const std::string& directory) {
  return directory.size() + sizeof(kSocket) - 1 <= kMaxSocketPathBytes && !absl::StrContains(directory, ',');
}

void RemoveSocketIn(const std::string& directory) {
  unlink((directory + kSocket).c_str());
  unlink((directory + kSocketLock).c_str());
}

void RemoveDirectory(const std::string& directory) {
  RemoveSocketIn(directory);
  rmdir(directory.c_str());
}

// Follows a link only to what can be a private place of ours; rmdir() spares what is not empty.
void RemoveLeftovers(const std::string& wanted) {
  std::error_code error;
  if (!fs::is_symlink(wanted, error)) return;
  const fs::path target = fs::read_symlink(wanted, error);
  if (!error && absl::StartsWith(target.filename().string(), kPrivatePrefix)) RemoveDirectory(target);
  unlink(wanted.c_str());
}

absl::Status HandOver(const std::string& directory, const std::optional<UnixIdentity>& owner) {
  if (chmod(directory.c_str(), 0700) != 0) return SystemError(directory);
  if (owner.has_value() && lchown(directory.c_str(), owner->user, owner->group) != 0) {
    return SystemError(directory);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> MakePrivatePlace() {
  std::vector<std::string> bases;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  if (runtime != nullptr && *runtime == '/') bases.emplace_back(runtime);
  bases.emplace_back("/tmp");
  for (const std::string& base : bases) {
    std::string path = absl::StrCat(base, "/", kPrivatePrefix, "XXXXXX");
    if (IsFitForSocket(path) && mkdtemp(path.data()) != nullptr) return path;
  }
  return SystemError(bases.back());
}

}  // namespace

absl::StatusOr<SocketDirectory> SocketDirectory::Make(const std::string& wanted,
                                                      const std::optional<UnixIdentity>& owner) {
  RemoveLeftovers(wanted);
  std::string path = wanted;
  if (IsFitForSocket(wanted)) {
    if (mkdir(wanted.c_str(), 0700) != 0 && errno != EEXIST) return SystemError(wanted);
  } else {
    absl::StatusOr<std::string> place = MakePrivatePlace();
    if (!place.ok()) return place.status();
    path = *std::move(place);
    RemoveDirectory(wanted);
    if (symlink(path.c_str(), wanted.c_str()) != 0) {
      absl::Status failed = SystemError(wanted);
      RemoveDirectory(path);
      return failed;
    }
  }
  if (absl::Status owned = HandOver(path, owner); !owned.ok()) return owned;
  return SocketDirectory(wanted, std::move(path));
}

void SocketDirectory::RemoveSocket() const { RemoveSocketIn(path_); }

void SocketDirectory::Remove() const {
  RemoveDirectory(path_);
  if (path_ != wanted_) unlink(wanted_.c_str());
}

}  // namespace signalbox::service
