#ifndef SIGNALBOX_SERVICE_CONFIG_H
#define SIGNALBOX_SERVICE_CONFIG_H

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/telemetry/log.h"

namespace signalbox::service {

/// All that can be configured about signalboxd; each member is the flag of that name.
struct ServiceConfig {
  enum class Command { kServe, kMigrate };

  Command command = Command::kServe;

  std::string listen = "127.0.0.1:50051";
  bool allow_insecure_network = false;
  std::string metrics_listen;  ///< Empty: no metrics.

  /// Exactly one of the two is set after ParseCommandLine(). The URL may hold a password: only
  /// WithoutPasswords() of it may be printed or logged.
  std::string database_url;
  std::string data_dir;

  /// Where the programs of the embedded Postgres are; empty means they are looked for.
  std::string postgres_bin_dir;
  int database_connections = 4;

  bool notify = true;
  absl::Duration sweep_interval = absl::Seconds(1);
  absl::Duration heartbeat_interval = absl::Seconds(5);

  /// Calls are answered within 2 s; the rest is for connections whose client does not read.
  absl::Duration drain_timeout = absl::Seconds(3);

  /// For how long is kept what is over. Infinite: for ever.
  absl::Duration run_retention = absl::Hours(24 * 90);
  absl::Duration message_retention = absl::Hours(24 * 90);

  int64_t max_pending = 1000;
  int64_t max_value_bytes = int64_t{64} << 10;
  int64_t max_reply_bytes = int64_t{16} << 10;
  int64_t max_declared_keys = 256;

  LogSeverity log_level = LogSeverity::kInfo;

  /// kInvalidArgument names the first flag that is wrong, and its limit. Pure.
  absl::Status Validate() const;
};

/// What a command line asks for: to print `text` and leave with success, or, when it is empty, to run
/// with `config`, which is valid.
struct CommandLine {
  ServiceConfig config;
  std::string text;
};

/// Reads flags, then SIGNALBOXD_… variables, then defaults. Not thread-safe (reads the environment).
/// kInvalidArgument names the flag and never shows a password.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_CONFIG_H
