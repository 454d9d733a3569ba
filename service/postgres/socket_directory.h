#ifndef SIGNALBOX_SERVICE_POSTGRES_SOCKET_DIRECTORY_H
#define SIGNALBOX_SERVICE_POSTGRES_SOCKET_DIRECTORY_H

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/postgres/unix_identity.h"

namespace signalbox::service {

/// The folder of the Unix socket of an embedded Postgres, open to its user alone. It is at `wanted`,
/// or, where the path would be too long for a socket, at a private place below XDG_RUNTIME_DIR or /tmp to
/// which `wanted` becomes a symbolic link.
class SocketDirectory {
 public:
  /// Makes the folder. Removes what a killed server left at `wanted`, wherever that leads.
  static absl::StatusOr<SocketDirectory> Make(const std::string& wanted,
                                              const std::optional<UnixIdentity>& owner);

  /// Absolute, and fit to be the `host` of libpq.
  const std::string& path() const { return path_; }

  /// Removes the socket and its lock of a server that no longer runs. Another process may have taken its
  /// process id, and Postgres would refuse to start.
  void RemoveSocket() const;

  /// Removes the folder; for after the server's end.
  void Remove() const;

 private:
  SocketDirectory(std::string wanted, std::string path)
      : wanted_(std::move(wanted)), path_(std::move(path)) {}

  std::string wanted_;
  std::string path_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_SOCKET_DIRECTORY_H
