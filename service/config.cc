#include "service/config.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "service/config/listen_address.h"

namespace signalbox::service {
namespace {

// A request and a page are at most 1 MiB, so a value or reply must leave room for the rest of its message.
constexpr int64_t kMaxContentBytes = int64_t{512} << 10;

// All of them travel in every answer about a run.
constexpr int64_t kMaxDeclaredKeys = 1024;

constexpr int64_t kMaxPending = 1'000'000;

// 100 years: what is longer is most likely a mistake.
constexpr absl::Duration kMaxRetention = absl::Hours(24 * 365 * 100);

// The embedded Postgres accepts 50 connections; the rest is for writing, listening and for people.
constexpr int kMaxDatabaseConnections = 40;

absl::Status Invalid(absl::string_view flag, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat(flag, ": ", reason));
}

absl::Status CheckRange(absl::string_view flag, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return Invalid(flag, absl::StrCat(value, " is not between ", least, " and ", most));
}

absl::Status CheckRange(absl::string_view flag, absl::Duration value, absl::Duration least,
                        absl::Duration most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return Invalid(flag, absl::StrCat(absl::FormatDuration(value), " is not between ",
                                    absl::FormatDuration(least), " and ", absl::FormatDuration(most)));
}

absl::Status CheckListen(absl::string_view flag, const std::string& address, const ServiceConfig& config) {
  const absl::StatusOr<Reach> reach = ReachOfListenAddress(address);
  if (!reach.ok()) return Invalid(flag, reach.status().message());
  if (*reach == Reach::kThisMachine || config.allow_insecure_network) return absl::OkStatus();
  return Invalid(flag,
                 absl::StrCat(address,
                              " can be reached from the network, and no authentication is configured: "
                              "anybody there could use it. Listen on loopback or a unix: socket, or give "
                              "--allow-insecure-network if the network is trusted"));
}

absl::Status CheckMetricsListen(const ServiceConfig& config) {
  if (config.metrics_listen.empty()) return absl::OkStatus();
  if (absl::StartsWith(config.metrics_listen, "unix:")) {
    return Invalid("--metrics-listen", "metrics are served over TCP only; write host:port or [v6]:port");
  }
  return CheckListen("--metrics-listen", config.metrics_listen, config);
}

absl::Status CheckDatabase(const ServiceConfig& config) {
  if (!config.database_url.empty() && !config.data_dir.empty()) {
    return Invalid("--database-url (SIGNALBOXD_DATABASE_URL) and --data-dir (SIGNALBOXD_DATA_DIR)",
                   "they exclude each other; give one");
  }
  if (!config.database_url.empty() && !config.postgres_bin_dir.empty()) {
    return Invalid("--postgres-bin-dir", "of no use with --database-url, which names a running Postgres");
  }
  return CheckRange("--database-connections", config.database_connections, 1, kMaxDatabaseConnections);
}

absl::Status CheckRetention(absl::string_view flag, absl::Duration value) {
  if (value == absl::InfiniteDuration()) return absl::OkStatus();
  absl::Status range = CheckRange(flag, value, absl::Seconds(1), kMaxRetention);
  if (range.ok()) return range;
  return absl::InvalidArgumentError(absl::StrCat(range.message(), "; inf keeps for ever"));
}

}  // namespace

absl::Status ServiceConfig::Validate() const {
  for (const absl::Status& check : {
           CheckListen("--listen", listen, *this),
           CheckMetricsListen(*this),
           CheckDatabase(*this),
           CheckRange("--sweep-interval", sweep_interval, absl::Milliseconds(10), absl::Minutes(1)),
           // Clients take a stream that is silent for 15 s for dead.
           CheckRange("--heartbeat-interval", heartbeat_interval, absl::Seconds(1), absl::Seconds(5)),
           // SIGTERM is answered within 10 s, of which Postgres needs some.
           CheckRange("--drain-timeout", drain_timeout, absl::ZeroDuration(), absl::Seconds(9)),
           CheckRetention("--run-retention", run_retention),
           CheckRetention("--message-retention", message_retention),
           CheckRange("--max-pending", max_pending, 1, kMaxPending),
           CheckRange("--max-value-bytes", max_value_bytes, 1, kMaxContentBytes),
           CheckRange("--max-reply-bytes", max_reply_bytes, 1, kMaxContentBytes),
           CheckRange("--max-declared-keys", max_declared_keys, 1, kMaxDeclaredKeys),
       }) {
    if (!check.ok()) return check;
  }
  return absl::OkStatus();
}

}  // namespace signalbox::service
