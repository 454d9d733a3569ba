#ifndef SIGNALBOX_SERVICE_SERVER_H
#define SIGNALBOX_SERVICE_SERVER_H

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/commit/group_writer.h"
#include "service/commit/worker_pool.h"
#include "service/config.h"
#include "service/feed/await_registry.h"
#include "service/feed/periodic_task.h"
#include "service/feed/pruner.h"
#include "service/feed/subscription_hub.h"
#include "service/feed/sweep.h"
#include "service/feed/vacuumer.h"
#include "service/postgres/connection_pool.h"
#include "service/postgres/notify_channel.h"
#include "service/postgres/postgres_message_log.h"
#include "service/postgres/postgres_pruning_store.h"
#include "service/postgres/postgres_run_registry.h"
#include "service/postgres/postgres_vacuum_store.h"
#include "service/read/pending_reader.h"
#include "service/rpc/call_guard.h"
#include "service/rpc/completion_threads.h"
#include "service/rpc/grpc_server.h"
#include "service/rpc/service_parts.h"
#include "service/telemetry/metrics.h"
#include "service/telemetry/metrics_exposer.h"

namespace signalbox::service {

/// Everything of signalboxd that needs a database: pools, writer, feed, port. Members are in the order
/// in which they need each other.
class Server {
 public:
  /// Checks the schema, then serves. A schema that does not fit is first left to `migrate`; null: it is an
  /// error. Errors say what is wrong and what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServiceConfig& config, const std::string& database_url,
      absl::Status (*migrate)(const std::string& database_url));
  ~Server();  // Drain()

  /// Stops accepting → ends streams and awaits → answers what is under way → stops the feed → the
  /// writer → the pools. Takes at most the configured time, and about a second. Idempotent.
  void Drain();

  /// Where it listens, as clients write it.
  std::string address() const;

 private:
  Server(const ServiceConfig& config, const std::string& database_url);
  absl::Status Listen();
  void OnCommit(GroupOutcome& outcome);
  void Announce(const std::vector<int64_t>& run_nos);
  void Tick();
  void Measure();

  ConnectionOptions Connections(const std::string& role) const;

  const ServiceConfig config_;
  const ConnectionOptions connections_;  // of which each part has its own name
  Metrics metrics_;
  CallCount calls_;
  ConnectionPool writer_pool_;
  ConnectionPool reader_pool_;
  PostgresMessageLog log_;
  PostgresRunRegistry runs_;
  PostgresPruningStore pruning_;
  PostgresVacuumStore vacuuming_;
  WorkerPool workers_;
  CompletionThreads waker_;
  PendingReader reader_;
  SubscriptionHub hub_;
  AwaitRegistry awaits_;
  Sweep sweep_;
  PeriodicTask sweep_task_;
  Pruner pruner_;
  Vacuumer vacuumer_;
  PeriodicTask prune_task_;
  PeriodicTask tick_task_;
  NotifyChannel notify_;
  GroupWriter writer_;
  CallGuard guard_;
  const ServiceParts parts_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<MetricsExposer> exposer_;
  bool is_ready_ = true;     // tick's thread only
  bool is_drained_ = false;  // owner's thread only
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_SERVER_H
