#ifndef SIGNALBOX_SERVICE_POSTGRES_DATA_DIRECTORY_H
#define SIGNALBOX_SERVICE_POSTGRES_DATA_DIRECTORY_H

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "service/postgres/file_descriptor.h"

namespace signalbox::service {

/// The folder of one embedded Postgres, locked against a second server for as long as this lives:
///   lock           who locks it; its text tells that the folder is one of ours
///   cluster/       the data of Postgres
///   socket         the folder of its socket, or a symbolic link to it
///   postgres.log   what Postgres says
class DataDirectory {
 public:
  /// Makes the folder, for this user alone, when it is missing. Blocks up to a second, for a server that
  /// is just ending. kFailedPrecondition names the folder: another server uses it, it holds other
  /// things (and is left untouched), or the system refuses it.
  static absl::StatusOr<DataDirectory> Open(const std::string& path);

  /// Absolute.
  const std::string& path() const { return path_; }
  std::string cluster() const { return path_ + "/cluster"; }
  std::string socket() const { return path_ + "/socket"; }
  std::string log() const { return path_ + "/postgres.log"; }

  /// Lets another server use the folder, before the end of this object.
  void Unlock() { lock_.Close(); }

 private:
  DataDirectory(std::string path, FileDescriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  FileDescriptor lock_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_DATA_DIRECTORY_H
