#include "service/postgres/embedded_postgres.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/postgres/cluster_setup.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

using Clock = std::chrono::steady_clock;

// Wait before a server that ended unasked is started again: doubling while it keeps ending early.
constexpr absl::Duration kMinBackoff = absl::Milliseconds(50);
constexpr absl::Duration kMaxBackoff = absl::Seconds(5);
constexpr absl::Duration kStableAfter = absl::Seconds(30);

// After SIGQUIT Postgres kills what has not ended within 5 s.
constexpr absl::Duration kHardEnd = absl::Seconds(6);

// libpq's quoting of a value.
std::string Quoted(const std::string& value) {
  return absl::StrCat("'", absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

absl::Duration Since(Clock::time_point begin) { return absl::FromChrono(Clock::now() - begin); }

}  // namespace

EmbeddedPostgres::EmbeddedPostgres(DataDirectory data, PostgresBinaries binaries, SocketDirectory socket,
                                   PostgresLog log, std::optional<UnixIdentity> identity)
    : data_(std::move(data)),
      binaries_(std::move(binaries)),
      socket_(std::move(socket)),
      log_(std::move(log)),
      identity_(identity),
      postmaster_(
          {.data = data_, .binaries = binaries_, .socket = socket_, .log = log_, .identity = identity_}) {}

absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> EmbeddedPostgres::Start(const Options& options) {
  absl::StatusOr<DataDirectory> data = DataDirectory::Open(options.data_dir);
  if (!data.ok()) return data.status();
  absl::StatusOr<PostgresBinaries> binaries = FindPostgres(options.bin_dir, data->cluster());
  if (!binaries.ok()) return binaries.status();
  absl::StatusOr<std::optional<UnixIdentity>> identity = IdentityForCluster(data->cluster());
  if (!identity.ok()) return identity.status();
  absl::StatusOr<PostgresLog> log = PostgresLog::Open(data->log());
  if (!log.ok()) return log.status();
  absl::StatusOr<SocketDirectory> socket = SocketDirectory::Make(data->socket(), *identity);
  if (!socket.ok()) return socket.status();

  std::unique_ptr<EmbeddedPostgres> postgres(new EmbeddedPostgres(
      *std::move(data), *std::move(binaries), *std::move(socket), *std::move(log), *identity));
  {
    const absl::MutexLock lock(&postgres->stop_mu_);
    postgres->supervisor_ = std::thread(&EmbeddedPostgres::Supervise, postgres.get(), options.start_timeout);
  }
  if (absl::Status started = postgres->AwaitFirstStart(options.is_cancelled); !started.ok()) return started;
  return postgres;
}

EmbeddedPostgres::~EmbeddedPostgres() { Stop(absl::Seconds(5)).IgnoreError(); }

std::string EmbeddedPostgres::connection_string() const {
  return absl::StrCat("host=", Quoted(socket_.path()), " port=5432 user=", kEmbeddedUser,
                      " dbname=", kEmbeddedDatabase);
}

absl::Status EmbeddedPostgres::AwaitFirstStart(const std::function<bool()>& is_cancelled) {
  for (;;) {
    {
      const absl::MutexLock lock(&mu_);
      const auto is_decided = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return state_ != State::kStarting; };
      if (mu_.AwaitWithTimeout(absl::Condition(&is_decided), absl::Milliseconds(20))) return first_start_;
    }
    if (is_cancelled()) stop_.Set();
  }
}

// The thread of the supervisor. It also runs initdb, because a child ends with the thread that made it.
void EmbeddedPostgres::Supervise(absl::Duration start_timeout) {
  absl::Status first = FirstStart(start_timeout);
  bool running = first.ok();
  {
    const absl::MutexLock lock(&mu_);
    first_start_ = std::move(first);
  }
  if (running) Enter(State::kRunning);
  absl::Duration backoff = kMinBackoff;
  while (running) {
    const Clock::time_point begin = Clock::now();
    const int wait_status = postmaster_.AwaitEnd();
    if (!PauseUnlessStopping(absl::ZeroDuration())) break;
    if (Since(begin) >= kStableAfter) backoff = kMinBackoff;
    LogWarning("postgres_ended", {{"how", DescribeWaitStatus(wait_status)}, {"log", log_.path()}});
    running = RestartUntilRunning(start_timeout, &backoff);
  }
  Enter(State::kEnded);
}

absl::Status EmbeddedPostgres::FirstStart(absl::Duration start_timeout) {
  const Clock::time_point begin = Clock::now();
  const Pause pause = [this](absl::Duration wait) { return PauseUnlessStopping(wait); };
  if (absl::Status made = MakeClusterUnlessExisting(data_, binaries_, identity_, log_, pause); !made.ok()) {
    return made;
  }
  if (absl::Status started = postmaster_.Start(start_timeout, pause); !started.ok()) return started;
  LogInfo("postgres_started", {{"directory", data_.path()},
                               {"version", binaries_.major_version},
                               {"milliseconds", absl::ToInt64Milliseconds(Since(begin))}});
  return absl::OkStatus();
}

// Returns false when it was told to stop.
bool EmbeddedPostgres::RestartUntilRunning(absl::Duration start_timeout, absl::Duration* backoff) {
  const Pause pause = [this](absl::Duration wait) { return PauseUnlessStopping(wait); };
  for (;;) {
    if (!pause(*backoff)) return false;
    *backoff = std::min(*backoff * 2, kMaxBackoff);
    const Clock::time_point begin = Clock::now();
    const absl::Status started = postmaster_.Start(start_timeout, pause);
    if (started.ok()) {
      LogInfo("postgres_restarted", {{"milliseconds", absl::ToInt64Milliseconds(Since(begin))}});
      return true;
    }
    if (absl::IsCancelled(started)) return false;
    LogError("postgres_restart_failed",
             {{"error", started.message()}, {"retry_in_milliseconds", absl::ToInt64Milliseconds(*backoff)}});
  }
}

absl::Status EmbeddedPostgres::Stop(absl::Duration timeout) {
  const absl::MutexLock one_at_a_time(&stop_mu_);
  if (!supervisor_.joinable()) return absl::OkStatus();
  stop_.Set();
  absl::Status result = absl::OkStatus();
  postmaster_.Signal(SIGINT);
  if (!HasEndedWithin(timeout)) {
    result = absl::DeadlineExceededError(absl::StrCat("Postgres did not stop within ",
                                                      absl::FormatDuration(timeout),
                                                      "; it will recover at its next start"));
    postmaster_.Signal(SIGQUIT);
    if (!HasEndedWithin(kHardEnd)) postmaster_.Signal(SIGKILL);
  }
  supervisor_.join();
  socket_.Remove();
  data_.Unlock();
  return result;
}

bool EmbeddedPostgres::PauseUnlessStopping(absl::Duration duration) { return !stop_.WaitFor(duration); }

bool EmbeddedPostgres::HasEndedWithin(absl::Duration timeout) {
  const absl::MutexLock lock(&mu_);
  const auto has_ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return state_ == State::kEnded; };
  return mu_.AwaitWithTimeout(absl::Condition(&has_ended), timeout);
}

void EmbeddedPostgres::Enter(State state) {
  const absl::MutexLock lock(&mu_);
  state_ = state;
}

}  // namespace signalbox::service
