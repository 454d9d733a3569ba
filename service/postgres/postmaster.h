#ifndef SIGNALBOX_SERVICE_POSTGRES_POSTMASTER_H
#define SIGNALBOX_SERVICE_POSTGRES_POSTMASTER_H

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/postgres/child_process.h"
#include "service/postgres/data_directory.h"
#include "service/postgres/postgres_binaries.h"
#include "service/postgres/postgres_log.h"
#include "service/postgres/socket_directory.h"
#include "service/postgres/unix_identity.h"

namespace signalbox::service {

/// What a postmaster is started with; all of it outlives the Postmaster.
struct PostmasterSetup {
  const DataDirectory& data;
  const PostgresBinaries& binaries;
  const SocketDirectory& socket;
  const PostgresLog& log;
  std::optional<UnixIdentity> identity;
};

/// The server process of one cluster, as often as it is started.
///
///   Stopped ──Start()──▶ Running ──(it ends by itself or by Signal())──▶ AwaitEnd() ──▶ Stopped
///
/// Start() and AwaitEnd() belong to one thread, which lives as long as the process may: the kernel
/// ends the postmaster (SIGQUIT) with the thread that started it. Signal() may be called from any thread.
class Postmaster {
 public:
  explicit Postmaster(PostmasterSetup setup) : setup_(setup) {}

  /// Returns when the server accepts connections. Waits for a former server of this cluster that is
  /// still ending, all in all at most `limit`; but while the server recovers after a crash, up to half an
  /// hour, because a recovery that is cut short starts again from the beginning.
  ///
  /// kDeadlineExceeded or kFailedPrecondition (with what Postgres says), or kCancelled when `pause` says so;
  /// after each of them no process is left.
  absl::Status Start(absl::Duration limit, const Pause& pause) ABSL_LOCKS_EXCLUDED(mu_);

  /// Blocks until the process ends, reaps it and returns what waitpid() tells.
  int AwaitEnd() ABSL_LOCKS_EXCLUDED(mu_);

  /// Sends a signal to the process; nothing when none runs.
  void Signal(int signal) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class Progress { kReady, kStarting, kMustRetry };

  ChildProgram Program() const;
  absl::Status Spawn(int cluster_directory);
  absl::StatusOr<Progress> Look(off_t log_begin);
  bool HasEnded(int* wait_status);
  void Kill();

  const PostmasterSetup setup_;
  absl::Mutex mu_;
  // Unset exactly while there is no process to signal or to reap, so that a signal never hits a
  // process that was given the same id later.
  std::optional<pid_t> pid_ ABSL_GUARDED_BY(mu_);
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_POSTMASTER_H
