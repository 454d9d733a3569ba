#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTGRES_LOG_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTGRES_LOG_H

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "service/postgres/file_descriptor.h"

namespace signalbox::service {

/// The file that the programs of Postgres write their messages to. Used by one thread.
class PostgresLog {
 public:
  /// Opens for appending. A file above 16 MiB is first moved to `path`.1, whose former content goes.
  static absl::StatusOr<PostgresLog> Open(const std::string& path);

  int descriptor() const { return file_.get(); }
  const std::string& path() const { return path_; }

  /// Present end of the file, for LastFailureAfter().
  off_t End() const;

  /// The last line written after `position` that says why a program of Postgres gave up, without time
  /// and process; empty when there is none.
  std::string LastFailureAfter(off_t position) const;

 private:
  PostgresLog(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  FileDescriptor file_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTGRES_LOG_H
