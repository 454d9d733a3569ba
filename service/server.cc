#include "service/server.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "service/domain/steady_now.h"
#include "service/postgres/migrator.h"
#include "service/random_ids.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

// How long a call waits for a database that does not answer: the promise is 2 s, as the caller sees it.
constexpr absl::Duration kPatience = absl::Milliseconds(1800);

// The sweep is late by this much before the database counts as away.
constexpr absl::Duration kStaleAfter = absl::Milliseconds(1500);

// How often due progress is looked for, and how much earlier than promised it is therefore sent.
constexpr absl::Duration kTick = absl::Milliseconds(250);

// The pause between two rounds of pruning.
constexpr absl::Duration kPruneInterval = absl::Seconds(1);

constexpr size_t kMaxWaitingTasks = 20000;

Limits LimitsOf(const ServiceConfig& config) {
  Limits limits;
  limits.pending_messages = config.max_pending;
  limits.value_bytes = static_cast<size_t>(config.max_value_bytes);
  limits.reply_bytes = static_cast<size_t>(config.max_reply_bytes);
  limits.declared_keys = static_cast<int>(config.max_declared_keys);
  return limits;
}

std::vector<int64_t> RunsOf(const GroupOutcome& outcome) {
  std::vector<int64_t> run_nos;
  run_nos.reserve(outcome.changes.size() + outcome.touched.size());
  for (const RunChanges& changes : outcome.changes) run_nos.push_back(changes.run_no);
  for (const MessageId& id : outcome.touched) run_nos.push_back(id.run_no);
  return run_nos;
}

}  // namespace

Server::Server(const ServiceConfig& config, const std::string& database_url)
    : config_(config),
      connections_({.url = database_url}),
      writer_pool_(Connections("writer"), GroupWriter::Options().commits),
      reader_pool_(Connections("reader"),
                   config.database_connections + 2),  // one for the sweep, one for pruning
      log_(writer_pool_, reader_pool_, config.max_pending, MakeNonce),
      runs_(reader_pool_, static_cast<int>(config.max_declared_keys), MakeRunId),
      pruning_(reader_pool_),
      vacuuming_(reader_pool_, Connections("vacuum")),
      workers_(config.database_connections, kMaxWaitingTasks),
      waker_(kMaxWaitingTasks),
      reader_(log_, workers_, {}, SteadyNow),
      hub_(log_, workers_, waker_, {.progress_interval = config.heartbeat_interval - 2 * kTick}, SteadyNow,
           absl::Now),
      awaits_(log_, workers_),
      sweep_(
          log_, hub_, awaits_, {.expects_hints = config.notify},
          [this](const std::vector<int64_t>& run_nos) { Announce(run_nos); }, SteadyNow, metrics_),
      sweep_task_(config.sweep_interval, [this] { sweep_.Run(); }),
      pruner_(pruning_, {.ended_runs = config.run_retention, .finished_messages = config.message_retention},
              SteadyNow),
      vacuumer_(vacuuming_, SteadyNow),
      prune_task_(kPruneInterval,
                  [this] {
                    pruner_.Run();
                    vacuumer_.Run();
                  }),
      tick_task_(kTick, [this] { Tick(); }),
      notify_(Connections("notify"), MakeSenderName(),
              {.on_hint =
                   [this](const std::vector<int64_t>& run_nos) {
                     hub_.OnHint(run_nos);
                     awaits_.OnHint(run_nos);
                   },
               .on_lost =
                   [this] {
                     hub_.OnHintsLost();
                     awaits_.RecheckAll();
                   }}),
      writer_(log_, {}, SteadyNow, metrics_, [this](GroupOutcome& outcome) { OnCommit(outcome); }),
      guard_(kPatience),
      parts_{.limits = LimitsOf(config),
             .log = log_,
             .runs = runs_,
             .writer = writer_,
             .reader = reader_,
             .workers = workers_,
             .hub = hub_,
             .awaits = awaits_,
             .guard = guard_,
             .calls = calls_,
             .metrics = metrics_,
             .announce = [this](const std::vector<int64_t>& run_nos) {
               hub_.OnHint(run_nos);
               awaits_.OnHint(run_nos);
               Announce(run_nos);
             }} {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServiceConfig& config, const std::string& database_url,
    absl::Status (*migrate)(const std::string& database_url)) {
  std::unique_ptr<Server> server(new Server(config, database_url));
  // By a session that the first sweep uses, too: opening one takes as long as all that is asked by it.
  absl::Status schema = CheckSchema(server->reader_pool_, EmbeddedMigrations());
  if (absl::IsFailedPrecondition(schema) && migrate != nullptr) schema = migrate(database_url);
  if (!schema.ok()) return schema;
  const absl::Status listening = server->Listen();
  if (!listening.ok()) return listening;
  return server;
}

absl::Status Server::Listen() {
  guard_.Start();
  workers_.Start();
  writer_.Start();
  sweep_.Run();  // the first answer of the database, before anybody may ask
  // Before the calls, because who finds the server ready may ask for its metrics.
  if (!config_.metrics_listen.empty()) {
    absl::StatusOr<std::unique_ptr<MetricsExposer>> exposer =
        MetricsExposer::Start(config_.metrics_listen, metrics_);
    if (!exposer.ok()) return exposer.status();
    exposer_ = *std::move(exposer);
  }
  absl::StatusOr<std::unique_ptr<GrpcServer>> grpc = GrpcServer::Start(config_.listen, parts_);
  if (!grpc.ok()) return grpc.status();
  grpc_ = *std::move(grpc);
  // What nobody waits for; the sessions it opens come after the first answer.
  if (config_.notify) notify_.Start();
  sweep_task_.Start(config_.sweep_interval);
  prune_task_.Start(kPruneInterval);
  tick_task_.Start();
  return absl::OkStatus();
}

Server::~Server() { Drain(); }

ConnectionOptions Server::Connections(const std::string& role) const {
  ConnectionOptions connections = connections_;
  connections.application_name = absl::StrCat("signalboxd-", role);
  return connections;
}

void Server::Drain() {
  if (std::exchange(is_drained_, true)) return;
  const absl::Status goodbye =
      absl::UnavailableError("the server is stopping; try again, another one may answer");
  if (grpc_ != nullptr) {
    tick_task_.Stop();  // from here on nobody says again that we are ready
    grpc_->SetReady(false);
    hub_.Drain(goodbye);
    awaits_.Drain(goodbye);
    grpc_->Shutdown(config_.drain_timeout);
  }
  tick_task_.Stop();
  sweep_task_.Stop();
  vacuuming_.Stop();  // first, because pruning waits for a vacuum
  prune_task_.Stop();
  notify_.Stop();
  writer_.Stop();
  workers_.Stop();
  waker_.Stop();
  guard_.Stop();
}

std::string Server::address() const {
  const size_t colon = config_.listen.rfind(':');
  if (grpc_->port() <= 0 || colon == std::string::npos) return config_.listen;
  return absl::StrCat(config_.listen.substr(0, colon), ":", grpc_->port());
}

void Server::OnCommit(GroupOutcome& outcome) {
  const std::vector<int64_t> run_nos = RunsOf(outcome);
  for (RunChanges& changes : outcome.changes) hub_.OnCommit(std::move(changes));
  awaits_.OnTouched(outcome.touched);
  Announce(run_nos);
}

void Server::Announce(const std::vector<int64_t>& run_nos) {
  if (config_.notify) notify_.Announce(run_nos);
}

void Server::Tick() {
  const bool is_ready = sweep_.SilentFor() < config_.sweep_interval + kStaleAfter;
  if (is_ready != is_ready_) {
    is_ready_ = is_ready;
    if (is_ready) {
      LogInfo("database_back", {});
    } else {
      LogWarning("database_away", {{"silent_seconds", absl::ToDoubleSeconds(sweep_.SilentFor())},
                                   {"error", sweep_.LastError()}});
    }
    grpc_->SetReady(is_ready);
    hub_.SetStale(!is_ready);
  }
  hub_.WakeDue();
  Measure();
}

void Server::Measure() {
  metrics_.database_up.Set(is_ready_ ? 1 : 0);
  metrics_.database_connections.Set(writer_pool_.open() + reader_pool_.open());
  metrics_.notify_healthy.Set(notify_.IsHealthy() ? 1 : 0);
  metrics_.streams_open.Set(static_cast<int64_t>(hub_.StreamCount()));
  metrics_.awaits_open.Set(static_cast<int64_t>(awaits_.size()));
}

}  // namespace signalbox::service
