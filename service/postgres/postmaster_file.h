#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTMASTER_FILE_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTMASTER_FILE_H

#include <sys/types.h>

#include <optional>
#include <string>

namespace signalbox::service {

/// What a running server tells in <cluster>/postmaster.pid.
struct PostmasterFile {
  pid_t pid = 0;
  bool accepts_connections = false;
};

/// Unset when there is no such file, or an unfinished one.
std::optional<PostmasterFile> ReadPostmasterFile(const std::string& cluster);

/// Whether the server that the file tells of still runs. If not, the file is removed: should another
/// process have got its id (in a container ids soon come again), Postgres would take that for the server
/// and refuse to start. Call it only while holding the lock of the data directory.
bool FormerServerRuns(const std::string& cluster);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTMASTER_FILE_H
