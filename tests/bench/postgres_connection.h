#ifndef SIGNALBOX_TESTS_BENCH_POSTGRES_CONNECTION_H
#define SIGNALBOX_TESTS_BENCH_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace signalbox::bench {

/// A session of libpq, with prepared statements that keep their generic plan. Not thread-safe.
class PostgresConnection {
 public:
  static absl::StatusOr<PostgresConnection> Open(const std::string& url);

  /// Runs statements whose rows nobody wants.
  absl::Status Execute(const std::string& statements) const;

  /// Makes a statement that Run() runs, in place of the one before.
  absl::Status Prepare(const std::string& statement) const;

  /// Runs it; kInternal unless it returned or changed so many rows.
  absl::Status Run(const std::vector<std::string>& parameters, int rows) const;

  PGconn* get() const { return connection_.get(); }

 private:
  struct Closer {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };

  explicit PostgresConnection(PGconn* connection) : connection_(connection) {}

  std::unique_ptr<PGconn, Closer> connection_;
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_POSTGRES_CONNECTION_H
