#include "service/postgres/postmaster.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "service/postgres/file_descriptor.h"
#include "service/postgres/postmaster_file.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

using Clock = std::chrono::steady_clock;

constexpr absl::Duration kRecoveryLimit = absl::Minutes(30);
// How often is looked for the end of a start: often at first, because most take some ten milliseconds.
constexpr absl::Duration kMinStep = absl::Milliseconds(1);
constexpr absl::Duration kStep = absl::Milliseconds(10);

// Given on the command line, so they follow this program and not the cluster. Durability is left as
// Postgres has it: everything is on disk before a commit is answered.
std::vector<std::string> Settings(int major_version) {
  std::vector<std::string> settings = {
      // Reachable by the Unix socket alone, and that only by the user of Postgres and by root.
      "listen_addresses=",
      "port=5432",
      absl::StrCat("unix_socket_directories=", DirectoryOfChild(1)),
      "unix_socket_permissions=0700",
      // Enough for the most connections that can be configured, and for a few psql.
      "max_connections=50",
      // Each publish changes a leaf of three indexes: 240 MB for 10,000 busy runs. What is not needed is not
      // taken.
      "shared_buffers=512MB",
      // A burst of publishes does not force checkpoints; bounds disk use and the time of a recovery.
      "max_wal_size=2GB",
      // After a checkpoint the first change of a page logs all of it: 8 kB instead of some 100 bytes, three
      // times for each run that is published to. The size above bounds a recovery, so time need not.
      "checkpoint_timeout=30min",
      // Everything goes to our file; no details, which hold values of rows.
      "log_destination=stderr",
      "logging_collector=off",
      "log_error_verbosity=terse",
      // Shown in the list of processes.
      "cluster_name=signalbox",
  };
  constexpr int kFirstWithSyncfs = 14;
  if (major_version >= kFirstWithSyncfs) {
    // After a crash: one call for all files rather than one for each of more than a thousand, which takes
    // seconds on a busy disk.
    settings.emplace_back("recovery_init_sync_method=syncfs");
  }
  return settings;
}

// A former server's processes may outlive it by moments, and Postgres then refuses to start.
bool IsOverSoon(const std::string& failure) {
  return absl::StrContains(failure, "pre-existing shared memory block") ||
         absl::StrContains(failure, "lock file \"postmaster.pid\" already exists");
}

absl::Duration Since(Clock::time_point begin) { return absl::FromChrono(Clock::now() - begin); }

}  // namespace

ChildProgram Postmaster::Program() const {
  std::vector<std::string> arguments = {"-D", DirectoryOfChild(0)};
  for (std::string& setting : Settings(setup_.binaries.major_version)) {
    arguments.emplace_back("-c");
    arguments.push_back(std::move(setting));
  }
  ChildProgram program = setup_.binaries.Program("postgres", std::move(arguments));
  program.identity = setup_.identity;
  program.output = setup_.log.descriptor();
  program.signal_on_parent_death = SIGQUIT;  // Ends the backends as well; SIGKILL would leave them.
  return program;
}

absl::Status Postmaster::Spawn(int cluster_directory) {
  const FileDescriptor socket(open(setup_.socket.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!socket.IsOpen()) {
    return absl::FailedPreconditionError(absl::StrCat(setup_.socket.path(), ": ", strerror(errno)));
  }
  setup_.socket.RemoveSocket();
  ChildProgram program = Program();
  program.directories = {cluster_directory, socket.get()};
  const absl::StatusOr<pid_t> pid = SpawnChild(program);
  if (!pid.ok()) return pid.status();
  const absl::MutexLock lock(&mu_);
  pid_ = *pid;
  return absl::OkStatus();
}

absl::Status Postmaster::Start(absl::Duration limit, const Pause& pause) {
  const Clock::time_point begin = Clock::now();
  const std::string cluster = setup_.data.cluster();
  const FileDescriptor directory(open(cluster.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.IsOpen()) return absl::FailedPreconditionError(absl::StrCat(cluster, ": ", strerror(errno)));

  bool spawned = false;
  bool told = false;
  off_t log_begin = 0;
  for (;;) {
    bool recovering = false;
    if (!spawned && !FormerServerRuns(cluster)) {
      log_begin = setup_.log.End();
      if (absl::Status started = Spawn(directory.get()); !started.ok()) return started;
      spawned = true;
    } else if (spawned) {
      const absl::StatusOr<Progress> progress = Look(log_begin);
      if (!progress.ok()) return progress.status();
      if (*progress == Progress::kReady) return absl::OkStatus();
      recovering = *progress == Progress::kStarting;
      if (recovering && !told && Since(begin) > limit) {
        LogWarning("postgres_still_recovering", {{"log", setup_.log.path()}});
        told = true;
      }
      spawned = recovering;
    }
    const bool cancelled = !pause(std::clamp(Since(begin) / 32, kMinStep, kStep));
    if (!cancelled && Since(begin) < (recovering ? std::max(limit, kRecoveryLimit) : limit)) continue;
    Kill();
    if (cancelled) return absl::CancelledError("cancelled");
    return absl::DeadlineExceededError(
        absl::StrCat("Postgres on ", cluster, " did not accept connections within ",
                     absl::FormatDuration(Since(begin)), "; more in ", setup_.log.path()));
  }
}

absl::StatusOr<Postmaster::Progress> Postmaster::Look(off_t log_begin) {
  int wait_status = 0;
  if (HasEnded(&wait_status)) {
    const std::string failure = setup_.log.LastFailureAfter(log_begin);
    if (IsOverSoon(failure)) return Progress::kMustRetry;
    return absl::FailedPreconditionError(absl::StrCat(
        "Postgres ended at its start: ", failure.empty() ? DescribeWaitStatus(wait_status) : failure,
        "; more in ", setup_.log.path()));
  }
  const std::optional<PostmasterFile> file = ReadPostmasterFile(setup_.data.cluster());
  const absl::MutexLock lock(&mu_);
  const bool ready = file.has_value() && file->pid == pid_ && file->accepts_connections;
  return ready ? Progress::kReady : Progress::kStarting;
}

bool Postmaster::HasEnded(int* wait_status) {
  const absl::MutexLock lock(&mu_);
  if (pid_.has_value() && waitpid(*pid_, wait_status, WNOHANG) == 0) return false;
  pid_.reset();
  return true;
}

int Postmaster::AwaitEnd() {
  pid_t pid = 0;
  {
    const absl::MutexLock lock(&mu_);
    if (!pid_.has_value()) return 0;
    pid = *pid_;
  }
  // Not reaped yet, so that Signal() goes to this process or to nothing.
  siginfo_t ignored{};
  while (waitid(P_PID, static_cast<id_t>(pid), &ignored, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  int wait_status = 0;
  HasEnded(&wait_status);
  return wait_status;
}

void Postmaster::Signal(int signal) {
  const absl::MutexLock lock(&mu_);
  if (pid_.has_value()) kill(*pid_, signal);
}

void Postmaster::Kill() {
  Signal(SIGQUIT);
  // Postgres kills what does not end within 5 s after SIGQUIT, then ends itself.
  const Clock::time_point begin = Clock::now();
  int wait_status = 0;
  while (!HasEnded(&wait_status)) {
    if (Since(begin) > absl::Seconds(7)) Signal(SIGKILL);
    absl::SleepFor(kStep);
  }
}

}  // namespace signalbox::service
