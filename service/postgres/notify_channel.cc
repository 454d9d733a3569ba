#include "service/postgres/notify_channel.h"

#include <pqxx/pqxx>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "service/telemetry/log.h"

namespace signalbox::service {
namespace {

constexpr char kChannel[] = "signalbox_runs";
constexpr absl::Duration kCoalesce = absl::Milliseconds(5);  // at most one NOTIFY in this time
constexpr absl::Duration kReconnectPause = absl::Milliseconds(500);
constexpr absl::Duration kProbeInterval = absl::Seconds(5);
constexpr absl::Duration kProbeTimeout = absl::Seconds(2);
constexpr int64_t kPollMicros = 200'000;  // how late a Stop() may be noticed
// A payload has less than 8,000 bytes; a number has at most 19, and a comma.
constexpr size_t kRunsPerPayload = 390;

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
    stopping_ = true;
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
bool NotifyChannel::Pause(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
}

void NotifyChannel::Send() {
  absl::StatusOr<Connection> connection = absl::UnavailableError("not connected yet");
  for (;;) {
    std::vector<int64_t> run_nos;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &NotifyChannel::HasWork));
      if (stopping_) return;
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
      for (size_t begin = 0; begin < run_nos.size(); begin += kRunsPerPayload) {
        const auto end = run_nos.begin() + std::min(begin + kRunsPerPayload, run_nos.size());
        Notify(*connection->raw,
               absl::StrCat(sender_, ":", absl::StrJoin(run_nos.begin() + begin, end, ",")));
      }
    } catch (const std::exception& error) {
      LogWarning("notify_failed", {{"error", error.what()}});
      connection = absl::UnavailableError("lost");
    }
    if (Pause(kCoalesce)) return;
  }
}

void NotifyChannel::OnNotification(const std::string& payload) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(payload, absl::MaxSplits(':', 1));
  if (parts.first == sender_) {
    int64_t probe = 0;
    absl::string_view text = parts.second;
    if (absl::ConsumePrefix(&text, "probe") && absl::SimpleAtoi(text, &probe)) probe_heard_ = probe;
    return;
  }
  // Anybody who may connect may send on this channel: what is not a number is not for us.
  std::vector<int64_t> run_nos;
  for (absl::string_view text : absl::StrSplit(parts.second, ',')) {
    int64_t run_no = 0;
    if (absl::SimpleAtoi(text, &run_no) && run_no > 0) run_nos.push_back(run_no);
  }
  if (!run_nos.empty()) callbacks_.on_hint(run_nos);
}

// One life of a listening session: throws when it is over, returns when the channel stops.
void NotifyChannel::ListenOnce(pqxx::connection& connection) {
  const Receiver receiver(connection, [this](const std::string& payload) { OnNotification(payload); });
  int64_t probe = probe_heard_;
  absl::Time probe_time = absl::InfinitePast();
  bool believed = false;
  for (;;) {
    const absl::Time now = absl::Now();
    if (probe_heard_ == probe && now >= probe_time + (believed ? kProbeInterval : absl::ZeroDuration())) {
      Notify(connection, absl::StrCat(sender_, ":probe", ++probe));
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
