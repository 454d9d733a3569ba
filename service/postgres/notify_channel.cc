#include "service/postgres/notify_channel.h"

#include <sys/socket.h>

#include <pqxx/pqxx>
#include <utility>

#include "absl/types/span.h"
#include "service/domain/steady_now.h"
#include "service/postgres/notification.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

constexpr char kChannel[] = "signalbox_runs";
constexpr absl::Duration kCoalesce = absl::Milliseconds(5);  // at most one NOTIFY in this time
constexpr absl::Duration kReconnectPause = absl::Milliseconds(500);
constexpr absl::Duration kPoolerPause = absl::Seconds(10);  // its mode will not change soon
constexpr int kSessionTrials = 5;
constexpr absl::Duration kProbeInterval = absl::Seconds(3);
constexpr absl::Duration kProbeTimeout = absl::Seconds(2);
constexpr int64_t kPollMicros = 200'000;  // how late a Stop() may be noticed

// Hands notifications of the channel to a function. Registering also sends LISTEN, whose result
// libpqxx does not check: the probe does.
class Receiver final : public pqxx::notification_receiver {
 public:
  Receiver(pqxx::connection& connection, std::function<void(const std::string&)> handler)
      : pqxx::notification_receiver(connection, kChannel), handler_(std::move(handler)) {}
  void operator()(const std::string& payload, int /*backend_pid*/) override { handler_(payload); }

 private:
  const std::function<void(const std::string&)> handler_;
};

void Notify(pqxx::connection& connection, const std::string& payload) {
  pqxx::nontransaction session(connection);
  session.exec_params("SELECT pg_notify($1, $2)", kChannel, payload);
}

// Makes a session fail at once whatever it is told to do: the receiver's end says UNLISTEN, and would wait
// for the answer of a session that gives none.
void CutOff(const pqxx::connection& connection) { shutdown(connection.sock(), SHUT_RDWR); }

int BackendOf(pqxx::connection& connection) {
  pqxx::nontransaction session(connection);
  return session.exec1("SELECT pg_backend_pid()")[0].as<int>();
}

// What CheckPooler() throws.
class WrongMode final : public pqxx::broken_connection {
 public:
  explicit WrongMode(const std::string& sign)
      : broken_connection("the pooler before the database must be in session mode to LISTEN: " + sign) {}
};

}  // namespace

NotifyChannel::NotifyChannel(ConnectionOptions options, std::string sender, Callbacks callbacks)
    : options_(std::move(options)), sender_(std::move(sender)), callbacks_(std::move(callbacks)) {}

NotifyChannel::~NotifyChannel() { Stop(); }

void NotifyChannel::Start() {
  send_thread_ = std::thread([this] { Send(); });
  listen_thread_ = std::thread([this] { Listen(); });
}

void NotifyChannel::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stop_.Set();
  }
  absl::MutexLock lock(&stop_mu_);
  if (send_thread_.joinable()) send_thread_.join();
  if (listen_thread_.joinable()) listen_thread_.join();
}

void NotifyChannel::Announce(const std::vector<int64_t>& run_nos) {
  absl::MutexLock lock(&mu_);
  announced_.insert(run_nos.begin(), run_nos.end());
}

// Waits; returns whether to stop.
bool NotifyChannel::Pause(absl::Duration duration) { return stop_.WaitFor(duration); }

std::vector<std::string> NotifyChannel::TakePayloads() {
  std::vector<std::string> payloads;
  const std::vector<int64_t> run_nos(announced_.begin(), announced_.end());
  announced_.clear();
  for (size_t begin = 0; begin < run_nos.size(); begin += kRunsPerNotification) {
    payloads.push_back(
        AnnouncementOf(sender_, absl::MakeConstSpan(run_nos).subspan(begin, kRunsPerNotification)));
  }
  if (probe_sent_ != probe_asked_) payloads.push_back(ProbeOf(sender_, probe_asked_));
  probe_sent_ = probe_asked_;
  return payloads;
}

// Whether the session may be used again.
bool NotifyChannel::SendAll(Connection& connection, const std::vector<std::string>& payloads) {
  if (connection.generation != options_.history->generation()) return false;
  try {
    for (const std::string& payload : payloads) Notify(*connection.raw, payload);
    return true;
  } catch (const std::exception& error) {
    LogDebug("notify_failed", {{"error", error.what()}});
    return false;
  }
}

void NotifyChannel::Send() {
  absl::StatusOr<Connection> connection = absl::UnavailableError("not connected yet");
  for (;;) {
    std::vector<std::string> payloads;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &NotifyChannel::HasWork));
      if (stop_.IsSet()) return;
      payloads = TakePayloads();
    }
    if (!connection.ok()) connection = OpenConnection(options_);
    const bool sent = connection.ok() && SendAll(*connection, payloads);
    if (!sent) {
      // The hints are dropped: the other replicas' sweep finds the news. The probe is asked for again,
      // and the listener reports when none comes.
      if (connection.ok()) connection = absl::UnavailableError("lost");
      absl::MutexLock lock(&mu_);
      --probe_sent_;
    }
    if (Pause(sent ? kCoalesce : kReconnectPause)) return;
  }
}

void NotifyChannel::OnNotification(const std::string& payload) {
  const Notification heard = ParseNotification(payload);
  if (heard.sender == sender_) {
    if (heard.probe > 0) probe_heard_ = heard.probe;
    return;
  }
  if (!heard.run_nos.empty()) callbacks_.on_hint(heard.run_nos);
}

void NotifyChannel::Probe() {
  probe_time_ = SteadyNow();
  absl::MutexLock lock(&mu_);
  probe_asked_ = ++probe_;
}

void NotifyChannel::Believe() {
  if (!is_healthy_.exchange(true)) LogInfo("listening", {{"channel", kChannel}});
  callbacks_.on_lost();  // whatever was sent before this moment was not heard
}

// Throws if the pooler before this connection is in transaction mode. To LISTEN there would leave a session
// of the pool listening for nobody. A session is kept busy and then set free: in session mode the answer
// still comes from where it came before, else most likely from the other.
void NotifyChannel::CheckPooler(pqxx::connection& connection) const {
  absl::StatusOr<Connection> other = OpenConnection(options_);
  if (!other.ok()) throw pqxx::broken_connection(std::string(other.status().message()));
  for (int i = 0; i < kSessionTrials; ++i) {
    int before = 0;
    try {
      pqxx::work hold(*other->raw);
      // In a pool that has no other session for us the next statement waits until this one is ended.
      hold.exec("SET LOCAL idle_in_transaction_session_timeout = 500");
      before = BackendOf(connection);
      hold.commit();
    } catch (const std::exception& error) {
      throw WrongMode(error.what());  // Or the database has gone, which shows soon.
    }
    if (BackendOf(connection) != before) throw WrongMode("another session answers");
  }
}

// One life of a listening session: throws when it is over, returns when the channel stops.
void NotifyChannel::ListenOnce(Connection& connection) {
  if (connection.is_pooled) CheckPooler(*connection.raw);
  const Receiver receiver(*connection.raw, [this](const std::string& payload) { OnNotification(payload); });
  bool is_believed = false;
  Probe();
  while (!Pause(absl::ZeroDuration())) {
    const absl::Duration age = SteadyNow() - probe_time_;
    if (probe_heard_ != probe_ && age >= kProbeTimeout) {
      CutOff(*connection.raw);
      throw pqxx::broken_connection("the listening session does not hear what is sent");
    }
    if (connection.generation != options_.history->generation()) {
      throw pqxx::broken_connection("the listening session is on a primary of the past");
    }
    if (probe_heard_ == probe_ && age >= kProbeInterval) Probe();
    connection.raw->await_notification(0, kPollMicros);
    if (probe_heard_ == probe_ && !std::exchange(is_believed, true)) Believe();
  }
}

void NotifyChannel::Listen() {
  bool is_reported = false;
  for (;;) {
    absl::StatusOr<Connection> connection = OpenConnection(options_);
    std::string failure;
    absl::Duration pause = kReconnectPause;
    if (connection.ok()) {
      try {
        ListenOnce(*connection);
        return;
      } catch (const std::exception& error) {
        failure = error.what();
        if (dynamic_cast<const WrongMode*>(&error) != nullptr) pause = kPoolerPause;
      }
    } else {
      failure = std::string(connection.status().message());
    }
    // Until it is back the sweep carries the traffic between replicas; said once, not each time.
    if (is_healthy_.exchange(false) || !is_reported) LogWarning("listen_lost", {{"error", failure}});
    is_reported = true;
    if (Pause(pause)) return;
  }
}

}  // namespace signalbox::service
