#ifndef SIGNALBOX_SERVICE_POSTGRES_EMBEDDED_POSTGRES_H
#define SIGNALBOX_SERVICE_POSTGRES_EMBEDDED_POSTGRES_H

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/domain/stop_signal.h"
#include "service/postgres/data_directory.h"
#include "service/postgres/postgres_binaries.h"
#include "service/postgres/postgres_log.h"
#include "service/postgres/postmaster.h"
#include "service/postgres/socket_directory.h"
#include "service/postgres/unix_identity.h"

namespace signalbox::service {

/// A private cluster of the installed Postgres, made at the first start, on a Unix socket only.
///
/// A thread of its own starts the server and starts it again, with backoff, when it ends unasked; clients
/// then see broken connections for a moment. The server ends with this process, also by kill -9, and a
/// later Start() on the same directory recovers it. Started as root it runs as an unprivileged user.
class EmbeddedPostgres {
 public:
  struct Options {
    std::string data_dir;
    std::string bin_dir;  // Empty: look for it.

    /// For the server to accept connections; making a new cluster, and recovering one, may take longer.
    absl::Duration start_timeout = absl::Seconds(30);

    /// Asked often during Start(), by the calling thread; true ends it with kCancelled.
    std::function<bool()> is_cancelled = [] { return false; };
  };

  /// Blocks until the server accepts connections. kFailedPrecondition: directory or programs do not fit, or
  /// Postgres refuses; the text says what to do. kDeadlineExceeded, kCancelled. Leaves no process then.
  static absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> Start(const Options& options);

  /// Stops, with 5 s for a clean end.
  ~EmbeddedPostgres();
  EmbeddedPostgres(const EmbeddedPostgres&) = delete;
  EmbeddedPostgres& operator=(const EmbeddedPostgres&) = delete;

  /// For libpq, in keyword form; the same as long as this lives, across restarts of the server.
  std::string connection_string() const;

  /// Ends connections and server, and returns when no process is left. After `timeout` the server is ended
  /// the hard way (within 7 s, kDeadlineExceeded): nothing is lost, but the next start has to recover.
  /// Idempotent, and thread-safe: every call returns when the server has ended.
  absl::Status Stop(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class State { kStarting, kRunning, kEnded };

  EmbeddedPostgres(DataDirectory data, PostgresBinaries binaries, SocketDirectory socket, PostgresLog log,
                   std::optional<UnixIdentity> identity);

  void Supervise(absl::Duration start_timeout);
  absl::Status FirstStart(absl::Duration start_timeout);
  bool RestartUntilRunning(absl::Duration start_timeout, absl::Duration* backoff);
  absl::Status AwaitFirstStart(const std::function<bool()>& is_cancelled) ABSL_LOCKS_EXCLUDED(mu_);
  bool PauseUnlessStopping(absl::Duration duration);
  bool HasEndedWithin(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);
  void Enter(State state) ABSL_LOCKS_EXCLUDED(mu_);

  DataDirectory data_;
  const PostgresBinaries binaries_;
  const SocketDirectory socket_;
  const PostgresLog log_;
  const std::optional<UnixIdentity> identity_;
  Postmaster postmaster_;

  absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kStarting;
  StopSignal stop_;
  absl::Status first_start_ ABSL_GUARDED_BY(mu_);

  absl::Mutex stop_mu_;  // One Stop() at a time; never held with another lock before it.
  std::thread supervisor_ ABSL_GUARDED_BY(stop_mu_);
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_EMBEDDED_POSTGRES_H
