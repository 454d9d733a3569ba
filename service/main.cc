// signalboxd: flags → database → server → wait for a signal → drain.

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/config.h"
#include "service/postgres/embedded_postgres.h"
#include "service/postgres/migrator.h"
#include "service/server.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

enum ExitCode { kSuccess = 0, kFailure = 1, kUsage = 2 };

// SIGTERM promises an end within 10 s; whatever hangs then does not break it.
constexpr std::chrono::milliseconds kLastResort{9500};

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

bool IsAskedToStop() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

// Waits for a stop signal; whether one came before `deadline`.
bool StopSignalBefore(std::chrono::steady_clock::time_point deadline) {
  const sigset_t signals = StopSignals();
  while (true) {
    const absl::Duration remaining = absl::FromChrono(deadline - std::chrono::steady_clock::now());
    const timespec left = absl::ToTimespec(std::max(remaining, absl::ZeroDuration()));
    if (sigtimedwait(&signals, nullptr, &left) > 0) return true;
    if (errno != EINTR) return false;  // A process that is stopped and continued is interrupted here.
  }
}

// Ends the process when draining hangs, or when somebody asks a second time.
void WatchTheDrain() {
  std::thread([deadline = std::chrono::steady_clock::now() + kLastResort] {
    const bool asked_twice = StopSignalBefore(deadline);
    LogError("drain_cut_short", {{"asked_twice", asked_twice}});
    _exit(kFailure);
  }).detach();
}

int Fail(const char* event, const absl::Status& status) {
  LogError(event, {{"error", status.message()}});
  std::fprintf(stderr, "signalboxd: %s\n", std::string(status.message()).c_str());
  return kFailure;
}

absl::Status BringUpToDate(const std::string& database_url) {
  const absl::StatusOr<std::vector<int>> versions =
      Migrate({.url = database_url, .application_name = "signalboxd-migrate"}, EmbeddedMigrations());
  if (!versions.ok()) return versions.status();
  LogInfo("schema_up_to_date",
          {{"version", EmbeddedMigrations().back().version}, {"applied", absl::StrJoin(*versions, ",")}});
  return absl::OkStatus();
}

int RunCommand(const ServiceConfig& config) {
  std::unique_ptr<EmbeddedPostgres> postgres;
  std::string database_url = config.database_url;
  if (database_url.empty()) {
    absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> started = EmbeddedPostgres::Start(
        {.data_dir = config.data_dir, .bin_dir = config.postgres_bin_dir, .is_cancelled = IsAskedToStop});
    if (!started.ok()) return Fail("postgres_failed", started.status());
    postgres = *std::move(started);
    database_url = postgres->connection_string();
  }
  if (config.command == ServiceConfig::Command::kMigrate) {
    const absl::Status migrated = BringUpToDate(database_url);
    return migrated.ok() ? kSuccess : Fail("migration_failed", migrated);
  }

  // The embedded database is ours alone, so it needs nobody to migrate it.
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start(config, database_url, postgres != nullptr ? BringUpToDate : nullptr);
  if (!server.ok()) return Fail("start_failed", server.status());
  LogInfo("server_started", {{"address", (*server)->address()}, {"pid", getpid()}});

  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  LogInfo("draining", {{"signal", signal}});
  WatchTheDrain();
  (*server)->Drain();
  server->reset();
  if (postgres != nullptr) {
    if (absl::Status status = postgres->Stop(absl::Seconds(5)); !status.ok())
      return Fail("postgres_failed", status);
  }
  LogInfo("server_stopped", {});
  return kSuccess;
}

int Main(int argc, char** argv) {
#ifdef NDEBUG
  // Debian builds absl for debugging: without this, every Lock() searches for cycles, under one lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  // Before any thread exists, so that all inherit it: signals are for sigwait() alone.
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const absl::StatusOr<CommandLine> command_line = ParseCommandLine(argc, argv);
  if (!command_line.ok()) {
    std::fprintf(stderr, "signalboxd: %s\n", std::string(command_line.status().message()).c_str());
    return kUsage;
  }
  if (!command_line->text.empty()) {
    std::fputs(command_line->text.c_str(), stdout);
    return kSuccess;
  }
  SetLogLevel(command_line->config.log_level);
  return RunCommand(command_line->config);
}

}  // namespace
}  // namespace signalbox::service

int main(int argc, char** argv) { return signalbox::service::Main(argc, argv); }
