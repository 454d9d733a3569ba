#include "service/postgres/notify_channel.h"

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
constexpr absl::Duration kProbeInterval = absl::Seconds(5);
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

void NotifyChannel::Send() {
  absl::StatusOr<Connection> connection = absl::UnavailableError("not connected yet");
  for (;;) {
    std::vector<int64_t> run_nos;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &NotifyChannel::HasWork));
      if (stop_.IsSet()) return;
      run_nos.assign(announced_.begin(), announced_.end());
      announced_.clear();
    }
    if (!connection.ok()) connection = OpenConnection(options_);
    // Without a connection the hint is dropped: the other replicas' sweep finds the news.
    if (!connection.ok()) {
      if (Pause(kReconnectPause)) return;
      continue;
    }
    try {
      for (size_t begin = 0; begin < run_nos.size(); begin += kRunsPerNotification) {
        const auto part = absl::MakeConstSpan(run_nos).subspan(begin, kRunsPerNotification);
        Notify(*connection->raw, AnnouncementOf(sender_, part));
      }
    } catch (const std::exception& error) {
      LogWarning("notify_failed", {{"error", error.what()}});
      connection = absl::UnavailableError("lost");
    }
    if (Pause(kCoalesce)) return;
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

// One life of a listening session: throws when it is over, returns when the channel stops.
void NotifyChannel::ListenOnce(pqxx::connection& connection) {
  const Receiver receiver(connection, [this](const std::string& payload) { OnNotification(payload); });
  int64_t probe = probe_heard_;
  absl::Time probe_time = absl::InfinitePast();
  bool believed = false;
  for (;;) {
    const absl::Time now = SteadyNow();
    if (probe_heard_ == probe && now >= probe_time + (believed ? kProbeInterval : absl::ZeroDuration())) {
      Notify(connection, ProbeOf(sender_, ++probe));
      probe_time = now;
    } else if (probe_heard_ != probe && now >= probe_time + kProbeTimeout) {
      throw pqxx::broken_connection("the listening session does not hear its own notifications");
    }
    connection.await_notification(0, kPollMicros);
    if (probe_heard_ == probe && !believed) {
      believed = true;
      LogInfo("listening", {{"channel", kChannel}});
      callbacks_.on_lost();  // whatever was sent before this moment was not heard
    }
    if (Pause(absl::ZeroDuration())) return;
  }
}

void NotifyChannel::Listen() {
  bool reported = false;
  for (;;) {
    absl::StatusOr<Connection> connection = OpenConnection(options_);
    std::string failure;
    if (connection.ok()) {
      try {
        ListenOnce(*connection->raw);
        return;
      } catch (const std::exception& error) {
        failure = error.what();
        reported = false;  // it was connected: this is another outage
      }
    } else {
      failure = std::string(connection.status().message());
    }
    // Until it is back the sweep carries the traffic between replicas; said once, not each time.
    if (!reported) LogWarning("listen_lost", {{"error", failure}});
    reported = true;
    if (Pause(kReconnectPause)) return;
  }
}

}  // namespace signalbox::service
