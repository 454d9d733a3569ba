#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "service/config.h"
#include "service/config/redaction.h"

namespace signalbox::service {
namespace {

constexpr char kDescription[] =
    "signalboxd delivers messages to training jobs that are running.\n"
    "Without --database-url it runs its own Postgres in --data-dir.";

constexpr char kFooter[] =
    "Every flag can also be given in the environment: --sweep-interval as SIGNALBOXD_SWEEP_INTERVAL.\n"
    "A flag goes before the environment. Durations have a unit: 500ms, 5s, 1m, 2160h.\n"
    "A password belongs into SIGNALBOXD_DATABASE_URL: flags can be seen in the list of processes.";

bool ParseLogLevel(const std::string& text, LogSeverity* level) {
  static constexpr std::pair<const char*, LogSeverity> kLevels[] = {{"debug", LogSeverity::kDebug},
                                                                    {"info", LogSeverity::kInfo},
                                                                    {"warning", LogSeverity::kWarning},
                                                                    {"error", LogSeverity::kError}};
  for (const auto& [name, severity] : kLevels) {
    if (!absl::EqualsIgnoreCase(text, name)) continue;
    *level = severity;
    return true;
  }
  return false;
}

// --sweep-interval → SIGNALBOXD_SWEEP_INTERVAL
std::string VariableOf(const std::string& flag) {
  std::string variable = "SIGNALBOXD_" + flag.substr(2);
  std::ranges::transform(variable, variable.begin(),
                         [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return variable;
}

// Flags of one command line; each writes to a member of the config that it was bound to.
class Flags {
 public:
  explicit Flags(CLI::App& app) : app_(app) {}

  template <typename Value>
  CLI::Option* Add(const std::string& name, Value& target, const std::string& help) {
    return app_.add_option(name, target, help)->envname(VariableOf(name))->capture_default_str();
  }

  // `parse` tells whether it understood the text; `expected` ends the sentence when it did not.
  template <typename Value, typename Parse>
  CLI::Option* AddParsed(const std::string& name, Value& target, Parse parse, const std::string& expected,
                         const std::string& help) {
    const auto read = [name, &target, parse, expected](const std::string& text) {
      if (!parse(text, &target)) throw CLI::ValidationError(name, "'" + text + "' is not " + expected);
    };
    return app_.add_option_function<std::string>(name, read, help)->envname(VariableOf(name));
  }

  void AddDuration(const std::string& name, absl::Duration& target, const std::string& help) {
    const auto parse = [](const std::string& text, absl::Duration* duration) {
      return absl::ParseDuration(text, duration);
    };
    AddParsed(name, target, parse, "a duration such as 500ms, 5s or 1m", help)
        ->type_name("DURATION")
        ->default_str(absl::FormatDuration(target));
  }

  CLI::Option* AddSwitch(const std::string& name, const std::string& names, bool& target,
                         const std::string& help) {
    return app_.add_flag(names, target, help)->envname(VariableOf(name));
  }

 private:
  CLI::App& app_;
};

void AddAddressFlags(Flags& flags, ServiceConfig& config) {
  flags.Add("--listen", config.listen, "Address to serve on: host:port, [v6]:port or unix:/path")
      ->type_name("ADDRESS");
  flags.AddSwitch("--allow-insecure-network", "--allow-insecure-network", config.allow_insecure_network,
                  "Serve on an address others can reach although there is no authentication");
  flags
      .Add("--metrics-listen", config.metrics_listen,
           "Address to serve metrics for Prometheus on, at /metrics: host:port or [v6]:port [none]")
      ->type_name("ADDRESS");
}

void AddDatabaseFlags(Flags& flags, ServiceConfig& config) {
  flags
      .Add("--database-url", config.database_url,
           "Postgres to use: postgresql://… or keyword=value …; several hosts are allowed")
      ->type_name("URL");
  flags
      .Add("--data-dir", config.data_dir,
           "Directory of the embedded Postgres [signalbox in the user's data home]")
      ->type_name("DIR");
  flags
      .Add("--postgres-bin-dir", config.postgres_bin_dir,
           "Where initdb and postgres are [newest below /usr/lib/postgresql, else PATH]")
      ->type_name("DIR");
  flags.Add("--database-connections", config.database_connections, "Database connections for reading");
}

void AddDeliveryFlags(Flags& flags, ServiceConfig& config) {
  flags.AddSwitch(
      "--notify", "--notify,!--no-notify", config.notify,
      "Tell other replicas of news, and be told (--notify=off, --no-notify: rely on the sweep) [on]");
  flags.AddDuration("--sweep-interval", config.sweep_interval,
                    "How often to look for news that nobody told of, and for expired messages");
  flags.AddDuration("--heartbeat-interval", config.heartbeat_interval, "Longest silence of an open stream");
  flags.AddDuration("--drain-timeout", config.drain_timeout,
                    "How long calls in flight may take to end after SIGTERM");
}

void AddRetentionFlags(Flags& flags, ServiceConfig& config) {
  flags.AddDuration("--run-retention", config.run_retention,
                    "How long a run is kept after it ended, with everything of it; inf: for ever");
  flags.AddDuration("--message-retention", config.message_retention,
                    "How long a message of an active run is kept after it finished, as long as all before "
                    "it finished too; inf: as long as its run");
}

void AddLimitFlags(Flags& flags, ServiceConfig& config) {
  flags.Add("--max-pending", config.max_pending, "Pending messages of a run");
  flags.Add("--max-value-bytes", config.max_value_bytes, "Serialized size of a message's value");
  flags.Add("--max-reply-bytes", config.max_reply_bytes, "Serialized size of a reply");
  flags.Add("--max-declared-keys", config.max_declared_keys, "Keys a run may declare");
}

void AddLogFlags(Flags& flags, ServiceConfig& config) {
  flags
      .AddParsed("--log-level", config.log_level, ParseLogLevel, "debug, info, warning or error",
                 "Least severity to log: debug, info, warning or error")
      ->type_name("LEVEL")
      ->default_str("info");
}

std::string HomeOfUser() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
  const passwd* entry = getpwuid(geteuid());  // NOLINT(concurrency-mt-unsafe): before any thread
  return entry != nullptr ? entry->pw_dir : "";
}

// The XDG base directory rules: $XDG_DATA_HOME when absolute, else ~/.local/share.
absl::StatusOr<std::string> DefaultDataDirectory() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') {
    return absl::StrCat(data, "/signalbox");
  }
  const std::string home = HomeOfUser();
  if (!home.empty()) return absl::StrCat(home, "/.local/share/signalbox");
  return absl::InvalidArgumentError("--data-dir: needed, because this user has no home directory");
}

absl::StatusOr<CommandLine> Completed(ServiceConfig config) {
  if (absl::Status valid = config.Validate(); !valid.ok()) return valid;
  if (config.database_url.empty() && config.data_dir.empty()) {
    absl::StatusOr<std::string> directory = DefaultDataDirectory();
    if (!directory.ok()) return directory.status();
    config.data_dir = *std::move(directory);
  }
  return CommandLine{.config = std::move(config), .text = {}};
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv) {
  ServiceConfig config;
  CLI::App app(kDescription, "signalboxd");
  app.footer(kFooter);
  app.set_version_flag("--version", "signalboxd " SIGNALBOX_VERSION, "Print the version and exit");
  Flags flags(app);
  AddAddressFlags(flags, config);
  AddDatabaseFlags(flags, config);
  AddDeliveryFlags(flags, config);
  AddRetentionFlags(flags, config);
  AddLimitFlags(flags, config);
  AddLogFlags(flags, config);
  app.require_subcommand(0, 1);
  app.add_subcommand("serve", "Serve (the default)")->fallthrough();
  const CLI::App* migrate =
      app.add_subcommand("migrate", "Bring the database's schema up to date, and exit")->fallthrough();

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return CommandLine{.config = {}, .text = absl::StrCat(version.what(), "\n")};
  } catch (const CLI::CallForHelp&) {
    return CommandLine{.config = {}, .text = app.help()};
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(WithoutPasswords(error.what()));
  }
  if (migrate->parsed()) config.command = ServiceConfig::Command::kMigrate;
  return Completed(std::move(config));
}

}  // namespace signalbox::service
