#include "service/postgres/cluster_setup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "service/postgres/file_descriptor.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

namespace fs = std::filesystem;

constexpr char kUnfinishedPrefix[] = "cluster.unfinished-";
constexpr absl::Duration kLimit = absl::Minutes(2);

absl::Status SystemError(absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(what, ": ", strerror(errno)));
}

// Best effort: an initdb that is just dying may still write. What stays is removed the next time.
void RemoveUnfinished(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    if (absl::StartsWith(entry.path().filename().string(), kUnfinishedPrefix)) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

absl::StatusOr<std::string> MakeUnfinished(const std::string& path,
                                           const std::optional<UnixIdentity>& owner) {
  std::string directory = absl::StrCat(path, "/", kUnfinishedPrefix, "XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) return SystemError(path);
  if (owner.has_value() && lchown(directory.c_str(), owner->user, owner->group) != 0) {
    return SystemError(directory);
  }
  return directory;
}

absl::Status Run(const ChildProgram& program, const PostgresLog& log, const Pause& pause) {
  const off_t begin = log.End();
  const absl::StatusOr<pid_t> child = SpawnChild(program);
  if (!child.ok()) return child.status();
  const absl::StatusOr<int> ended = AwaitChild(*child, kLimit, pause);
  if (absl::IsCancelled(ended.status())) return ended.status();
  if (ended.ok() && WIFEXITED(*ended) && WEXITSTATUS(*ended) == 0) return absl::OkStatus();

  std::string reason = ended.ok() ? DescribeWaitStatus(*ended) : std::string(ended.status().message());
  if (const std::string said = log.LastFailureAfter(begin); !said.empty()) reason = said;
  return absl::FailedPreconditionError(
      absl::StrCat(program.arguments.front(), " failed: ", reason, "; more in ", log.path()));
}

// Neither program syncs its thousand files one by one; Publish() does it at once.
ChildProgram InitDb(const PostgresBinaries& binaries) {
  return binaries.Program("initdb",
                          {"--pgdata", DirectoryOfChild(0), "--username", kEmbeddedUser, "--encoding", "UTF8",
                           "--locale", "C", "--data-checksums", "--auth", "trust", "--no-sync"});
}

// Needs no socket, and is over when the database is made.
ChildProgram SingleUserMode(const PostgresBinaries& binaries) {
  return binaries.Program("postgres", {"--single", "-D", DirectoryOfChild(0), "-c", "fsync=off", "-c",
                                       "exit_on_error=on", "postgres"});
}

// A pipe that holds `text` and then ends.
absl::StatusOr<FileDescriptor> Input(const std::string& text) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError("pipe");
  FileDescriptor reader(ends[0]);
  const FileDescriptor writer(ends[1]);
  if (write(writer.get(), text.data(), text.size()) < 0) return SystemError("pipe");
  return reader;
}

absl::Status Fill(const std::string& directory, const PostgresBinaries& binaries,
                  const std::optional<UnixIdentity>& owner, const PostgresLog& log, const Pause& pause) {
  const FileDescriptor opened(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened.IsOpen()) return SystemError(directory);
  const absl::StatusOr<FileDescriptor> statement =
      Input(absl::StrCat("CREATE DATABASE ", kEmbeddedDatabase, "\n"));
  if (!statement.ok()) return statement.status();
  for (ChildProgram program : {InitDb(binaries), SingleUserMode(binaries)}) {
    program.identity = owner;
    program.input = statement->get();  // initdb does not read it.
    program.output = log.descriptor();
    program.directories = {opened.get()};
    if (absl::Status ran = Run(program, log, pause); !ran.ok()) return ran;
  }
  return absl::OkStatus();
}

// Everything is on disk before the cluster gets its name, and the name before anything is stored in it.
absl::Status Publish(const std::string& directory, const DataDirectory& data) {
  const FileDescriptor parent(open(data.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (syncfs(parent.get()) != 0) return SystemError(data.path());
  if (std::rename(directory.c_str(), data.cluster().c_str()) != 0) return SystemError(data.cluster());
  if (fsync(parent.get()) != 0) return SystemError(data.path());
  return absl::OkStatus();
}

}  // namespace

absl::Status MakeClusterUnlessExisting(const DataDirectory& data, const PostgresBinaries& binaries,
                                       const std::optional<UnixIdentity>& owner, const PostgresLog& log,
                                       const Pause& pause) {
  RemoveUnfinished(data.path());
  if (MajorVersionOfCluster(data.cluster()).has_value()) return absl::OkStatus();
  if (std::error_code ignored; fs::exists(data.cluster(), ignored)) {
    return absl::FailedPreconditionError(
        absl::StrCat(data.cluster(), " is damaged: it has no readable PG_VERSION"));
  }
  LogInfo("postgres_cluster_creating", {{"directory", data.cluster()}, {"version", binaries.major_version}});
  absl::StatusOr<std::string> directory = MakeUnfinished(data.path(), owner);
  if (!directory.ok()) return directory.status();
  absl::Status filled = Fill(*directory, binaries, owner, log, pause);
  if (filled.ok()) filled = Publish(*directory, data);
  if (!filled.ok()) RemoveUnfinished(data.path());
  return filled;
}

}  // namespace signalbox::service
