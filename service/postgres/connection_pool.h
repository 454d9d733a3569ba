#ifndef SIGNALBOX_SERVICE_POSTGRES_CONNECTION_POOL_H
#define SIGNALBOX_SERVICE_POSTGRES_CONNECTION_POOL_H

#include <cstdint>
#include <functional>
#include <memory>
#include <pqxx/connection>
#include <pqxx/transaction_base>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/postgres/known_history.h"

namespace signalbox::service {

/// How to reach the database, and what every session of ours is set to.
struct ConnectionOptions {
  std::string url;  ///< URL or keyword form; timeouts that it does not set are added.
  std::string application_name = "signalboxd";
  absl::Duration statement_timeout = absl::Seconds(5);
  absl::Duration lock_timeout = absl::Seconds(1);
  std::shared_ptr<KnownHistory> history = std::make_shared<KnownHistory>();  ///< Shared by copies.
};

/// One session. `epoch` names the history that the database had when it was opened, `generation` is its
/// place among those that this process knows.
///
/// Behind a pooler, which may give each transaction another session of its own, neither settings nor
/// prepared statements nor LISTEN last: there each transaction is set up anew, and statements are sent as
/// text. A pooler in session mode cannot be told from one in transaction mode, and is treated alike.
struct Connection {
  std::unique_ptr<pqxx::connection> raw;
  int64_t epoch = 0;
  /// Of one run of the server that answers. What was committed in it is there until it ends, unless it is
  /// pruned; the next may begin with an older state, and the epoch not tell. Never 0.
  int64_t incarnation = 0;
  int64_t generation = 0;
  bool is_pooled = false;
};

/// Opens a session that never reconnects by itself (a silent reconnect would lose settings and hide
/// that notifications were missed). Blocks at most a few seconds. kUnavailable: cannot be reached, or
/// only a primary of the past can.
/// kFailedPrecondition: reached, but it is not fit for us (not UTF-8, in recovery, fsync off).
/// kInvalidArgument: the URL cannot be read; no part of it is told, because it may hold a password.
absl::StatusOr<Connection> OpenConnection(const ConnectionOptions& options);

/// Gives a fresh transaction of a pooled connection what a session of ours has from the beginning, and
/// notes in `connection` the history it is in. Two round trips, besides those of the block. Throws what pqxx
/// throws; fails as OpenConnection() does.
absl::Status SetUpTransaction(pqxx::transaction_base& transaction, const ConnectionOptions& options,
                              Connection& connection);

/// A bounded set of sessions, opened when first needed.
///
/// Thread-safe. Sized so that each thread that uses it may hold one: Acquire() waits for no other
/// holder, it fails when the bound is reached, which is then a defect.
class ConnectionPool {
 public:
  ConnectionPool(ConnectionOptions options, int size) : options_(std::move(options)), size_(size) {}

  /// Gives the connection back when it is destroyed; a broken one is closed instead.
  class Lease {
   public:
    Lease(ConnectionPool* pool, Connection connection) : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->Release(std::move(connection_), broken_);
    }

    Connection& connection() { return connection_; }
    void MarkBroken() { broken_ = true; }

   private:
    ConnectionPool* pool_;
    Connection connection_;
    bool broken_ = false;
  };

  /// An open session, opened now if need be; kUnavailable whatever the reason is that there is none. After a
  /// failed attempt to connect, calls within the next 200 ms fail at once with the same status, so that an
  /// outage is not a storm of attempts.
  absl::StatusOr<Lease> Acquire();

  const ConnectionOptions& options() const { return options_; }

  /// How many sessions are open or being opened.
  int open() const {
    absl::MutexLock lock(&mu_);
    return open_;
  }

 private:
  void Release(Connection connection, bool broken);
  std::vector<Connection> TakeStale() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const ConnectionOptions options_;
  const int size_;
  mutable absl::Mutex mu_;
  std::vector<Connection> idle_ ABSL_GUARDED_BY(mu_);
  int open_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status last_failure_ ABSL_GUARDED_BY(mu_);
  absl::Time retry_time_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_CONNECTION_POOL_H
