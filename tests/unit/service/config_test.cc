#include "service/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/config/listen_address.h"
#include "service/config/redaction.h"

namespace signalbox::service {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// An environment of its own for each test, with a data home and nothing else that matters.
class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    Set("XDG_DATA_HOME", "/data-home");
    Set("HOME", "/home/ada");
  }
  ~CommandLineTest() override {
    for (const auto& [name, value] : before_) {
      value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
    }
  }
  void Set(const std::string& name, const std::string& value) {
    const char* before = std::getenv(name.c_str());
    before_.emplace(name, before == nullptr ? "" : before);
    setenv(name.c_str(), value.c_str(), 1);
  }
  static absl::StatusOr<CommandLine> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "signalboxd");
    return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
  }
  static ServiceConfig Config(std::vector<const char*> arguments) {
    absl::StatusOr<CommandLine> line = Parse(std::move(arguments));
    EXPECT_TRUE(line.ok()) << line.status();
    return line.ok() ? line->config : ServiceConfig{};
  }
  static std::string Error(std::vector<const char*> arguments) {
    const absl::StatusOr<CommandLine> line = Parse(std::move(arguments));
    EXPECT_EQ(line.status().code(), absl::StatusCode::kInvalidArgument) << line.status();
    return std::string(line.status().message());
  }

 private:
  std::map<std::string, std::string> before_;
};

TEST_F(CommandLineTest, ServesOnLoopbackWithAnEmbeddedDatabaseByDefault) {
  const ServiceConfig config = Config({});
  EXPECT_EQ(config.command, ServiceConfig::Command::kServe);
  EXPECT_EQ(config.listen, "127.0.0.1:50051");
  EXPECT_EQ(config.database_url, "");
  EXPECT_EQ(config.data_dir, "/data-home/signalbox");
  EXPECT_TRUE(config.notify);
  EXPECT_EQ(config.sweep_interval, absl::Seconds(1));
  EXPECT_EQ(config.heartbeat_interval, absl::Seconds(5));
  EXPECT_EQ(config.drain_timeout, absl::Seconds(3));
  EXPECT_EQ(config.max_pending, 1000);
  EXPECT_EQ(config.max_value_bytes, 65536);
  EXPECT_EQ(config.max_reply_bytes, 16384);
  EXPECT_EQ(config.max_declared_keys, 256);
  EXPECT_EQ(config.database_connections, 4);
  EXPECT_EQ(config.log_level, LogSeverity::kInfo);
}

TEST_F(CommandLineTest, PutsTheDataBelowTheHomeWhenThereIsNoDataHome) {
  Set("XDG_DATA_HOME", "relative/is/ignored");
  EXPECT_EQ(Config({}).data_dir, "/home/ada/.local/share/signalbox");
}

TEST_F(CommandLineTest, TakesEveryFlag) {
  const ServiceConfig config = Config({"serve",
                                       "--listen",
                                       "[::1]:7",
                                       "--data-dir=/d",
                                       "--postgres-bin-dir",
                                       "/b",
                                       "--no-notify",
                                       "--sweep-interval=250ms",
                                       "--heartbeat-interval",
                                       "2s",
                                       "--max-pending",
                                       "5",
                                       "--max-value-bytes",
                                       "6",
                                       "--max-reply-bytes",
                                       "7",
                                       "--max-declared-keys",
                                       "8",
                                       "--drain-timeout",
                                       "0",
                                       "--database-connections",
                                       "9",
                                       "--log-level",
                                       "warning"});
  EXPECT_EQ(config.listen, "[::1]:7");
  EXPECT_EQ(config.data_dir, "/d");
  EXPECT_EQ(config.postgres_bin_dir, "/b");
  EXPECT_FALSE(config.notify);
  EXPECT_EQ(config.sweep_interval, absl::Milliseconds(250));
  EXPECT_EQ(config.heartbeat_interval, absl::Seconds(2));
  EXPECT_EQ(config.max_pending, 5);
  EXPECT_EQ(config.max_value_bytes, 6);
  EXPECT_EQ(config.max_reply_bytes, 7);
  EXPECT_EQ(config.max_declared_keys, 8);
  EXPECT_EQ(config.drain_timeout, absl::ZeroDuration());
  EXPECT_EQ(config.database_connections, 9);
  EXPECT_EQ(config.log_level, LogSeverity::kWarning);
}

TEST_F(CommandLineTest, TakesEveryFlagFromTheEnvironment) {
  Set("SIGNALBOXD_LISTEN", "0.0.0.0:1");
  Set("SIGNALBOXD_ALLOW_INSECURE_NETWORK", "true");
  Set("SIGNALBOXD_DATABASE_URL", "postgresql://a,b/c");
  Set("SIGNALBOXD_NOTIFY", "off");
  Set("SIGNALBOXD_SWEEP_INTERVAL", "2s");
  Set("SIGNALBOXD_HEARTBEAT_INTERVAL", "3s");
  Set("SIGNALBOXD_MAX_PENDING", "5");
  Set("SIGNALBOXD_MAX_VALUE_BYTES", "6");
  Set("SIGNALBOXD_MAX_REPLY_BYTES", "7");
  Set("SIGNALBOXD_MAX_DECLARED_KEYS", "8");
  Set("SIGNALBOXD_DRAIN_TIMEOUT", "4s");
  Set("SIGNALBOXD_DATABASE_CONNECTIONS", "9");
  Set("SIGNALBOXD_LOG_LEVEL", "DEBUG");
  const ServiceConfig config = Config({});
  EXPECT_EQ(config.listen, "0.0.0.0:1");
  EXPECT_TRUE(config.allow_insecure_network);
  EXPECT_EQ(config.database_url, "postgresql://a,b/c");
  EXPECT_EQ(config.data_dir, "") << "no data directory beside a URL";
  EXPECT_FALSE(config.notify);
  EXPECT_EQ(config.sweep_interval, absl::Seconds(2));
  EXPECT_EQ(config.heartbeat_interval, absl::Seconds(3));
  EXPECT_EQ(config.max_pending, 5);
  EXPECT_EQ(config.max_value_bytes, 6);
  EXPECT_EQ(config.max_reply_bytes, 7);
  EXPECT_EQ(config.max_declared_keys, 8);
  EXPECT_EQ(config.drain_timeout, absl::Seconds(4));
  EXPECT_EQ(config.database_connections, 9);
  EXPECT_EQ(config.log_level, LogSeverity::kDebug);
}

TEST_F(CommandLineTest, TakesDirectoriesFromTheEnvironment) {
  Set("SIGNALBOXD_DATA_DIR", "/d");
  Set("SIGNALBOXD_POSTGRES_BIN_DIR", "/b");
  EXPECT_EQ(Config({}).data_dir, "/d");
  EXPECT_EQ(Config({}).postgres_bin_dir, "/b");
}

TEST_F(CommandLineTest, PutsAFlagBeforeTheEnvironment) {
  Set("SIGNALBOXD_MAX_PENDING", "5");
  Set("SIGNALBOXD_NOTIFY", "off");
  Set("SIGNALBOXD_SWEEP_INTERVAL", "2s");
  const ServiceConfig config = Config({"--max-pending=6", "--notify=on", "--sweep-interval=3s"});
  EXPECT_EQ(config.max_pending, 6);
  EXPECT_TRUE(config.notify);
  EXPECT_EQ(config.sweep_interval, absl::Seconds(3));
}

TEST_F(CommandLineTest, TurnsNotifyOff) {
  EXPECT_FALSE(Config({"--notify=off"}).notify);
  EXPECT_FALSE(Config({"--no-notify"}).notify);
  EXPECT_TRUE(Config({"--notify"}).notify);
}

TEST_F(CommandLineTest, KnowsMigrateWithFlagsOnBothSides) {
  const ServiceConfig config =
      Config({"--log-level", "error", "migrate", "--database-url", "postgresql:///x"});
  EXPECT_EQ(config.command, ServiceConfig::Command::kMigrate);
  EXPECT_EQ(config.log_level, LogSeverity::kError);
  EXPECT_EQ(config.database_url, "postgresql:///x");
}

TEST_F(CommandLineTest, PrintsHelpThatExplainsEveryFlag) {
  const absl::StatusOr<CommandLine> line = Parse({"--help"});
  ASSERT_TRUE(line.ok()) << line.status();
  for (const char* flag : {"--listen",
                           "--allow-insecure-network",
                           "--database-url",
                           "--data-dir",
                           "--postgres-bin-dir",
                           "--no-notify",
                           "--sweep-interval",
                           "--heartbeat-interval",
                           "--max-pending",
                           "--max-value-bytes",
                           "--max-reply-bytes",
                           "--max-declared-keys",
                           "--drain-timeout",
                           "--run-retention",
                           "--message-retention",
                           "--database-connections",
                           "--log-level",
                           "--version",
                           "migrate",
                           "SIGNALBOXD_LISTEN"}) {
    EXPECT_THAT(line->text, HasSubstr(flag));
  }
}

TEST_F(CommandLineTest, PrintsItsVersion) {
  const absl::StatusOr<CommandLine> line = Parse({"--version"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(line->text, testing::MatchesRegex("signalboxd [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(CommandLineTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Error({"--lisen", "x"}), HasSubstr("--lisen"));
  EXPECT_THAT(Error({"destroy"}), HasSubstr("destroy"));
  EXPECT_THAT(Error({"--log-level", "loud"}), AllOf(HasSubstr("--log-level"), HasSubstr("loud")));
  EXPECT_THAT(Error({"--log-level", "1"}), HasSubstr("--log-level"));
  EXPECT_THAT(Error({"--max-pending", "many"}), HasSubstr("--max-pending"));
  EXPECT_THAT(Error({"--max-pending", "99999999999999999999"}), HasSubstr("--max-pending"));
  EXPECT_THAT(Error({"--sweep-interval", "5"}), AllOf(HasSubstr("--sweep-interval"), HasSubstr("500ms")));
}

TEST_F(CommandLineTest, NamesFlagAndLimitOfANumberOutOfRange) {
  EXPECT_THAT(Error({"--max-pending=0"}), HasSubstr("--max-pending: 0 is not between 1 and 1000000"));
  EXPECT_THAT(Error({"--max-value-bytes=524289"}), HasSubstr("--max-value-bytes"));
  EXPECT_THAT(Error({"--max-reply-bytes=-1"}), HasSubstr("--max-reply-bytes"));
  EXPECT_THAT(Error({"--max-declared-keys=1025"}), HasSubstr("--max-declared-keys"));
  EXPECT_THAT(Error({"--database-connections=41"}), HasSubstr("--database-connections"));
  EXPECT_THAT(Error({"--sweep-interval=0"}), HasSubstr("--sweep-interval: 0 is not between 10ms and 1m"));
  EXPECT_THAT(Error({"--sweep-interval=inf"}), HasSubstr("--sweep-interval"));
  EXPECT_THAT(Error({"--heartbeat-interval=6s"}), HasSubstr("--heartbeat-interval"));
  EXPECT_THAT(Error({"--heartbeat-interval=999ms"}), HasSubstr("--heartbeat-interval"));
  EXPECT_THAT(Error({"--drain-timeout=-1s"}), HasSubstr("--drain-timeout"));
}

TEST_F(CommandLineTest, KeepsForNinetyDaysUnlessToldOtherwise) {
  EXPECT_EQ(Config({}).run_retention, absl::Hours(90 * 24));
  EXPECT_EQ(Config({}).message_retention, absl::Hours(90 * 24));
  Set("SIGNALBOXD_RUN_RETENTION", "24h");
  const ServiceConfig config = Config({"--message-retention=inf"});
  EXPECT_EQ(config.run_retention, absl::Hours(24));
  EXPECT_EQ(config.message_retention, absl::InfiniteDuration());
  EXPECT_THAT(Error({"--message-retention=0"}), AllOf(HasSubstr("--message-retention"), HasSubstr("inf")));
  EXPECT_THAT(Error({"--run-retention=-inf"}), HasSubstr("--run-retention"));
}

TEST_F(CommandLineTest, RefusesTwoDatabases) {
  EXPECT_THAT(Error({"--database-url=postgresql:///x", "--data-dir=/d"}),
              AllOf(HasSubstr("--database-url"), HasSubstr("--data-dir")));
  Set("SIGNALBOXD_DATABASE_URL", "postgresql:///x");
  EXPECT_THAT(Error({"--data-dir=/d"}), HasSubstr("SIGNALBOXD_DATABASE_URL"));
  EXPECT_THAT(Error({"--postgres-bin-dir=/b"}), HasSubstr("--postgres-bin-dir"));
}

TEST_F(CommandLineTest, RefusesTheNetworkUnlessToldSo) {
  EXPECT_THAT(Error({"--listen=0.0.0.0:50051"}),
              AllOf(HasSubstr("--listen"), HasSubstr("no authentication is configured"),
                    HasSubstr("--allow-insecure-network")));
  EXPECT_EQ(Config({"--listen=0.0.0.0:50051", "--allow-insecure-network"}).listen, "0.0.0.0:50051");
}

TEST_F(CommandLineTest, NeverShowsAPasswordInAnError) {
  EXPECT_THAT(Error({"--database_url", "postgresql://ada:hunter2@db/x"}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(Error({"postgresql://ada:hunter2@db/x"}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(Error({"--database-url", "host=db", "password=hunter2"}), Not(HasSubstr("hunter2")));
}

TEST(ListenAddressTest, KnowsWhoCanReachIt) {
  for (const char* local : {"127.0.0.1:50051", "127.9.9.9:1", "[::1]:0", "localhost:65535", "LOCALHOST:1",
                            "unix:/run/signalbox.sock"}) {
    EXPECT_EQ(ReachOfListenAddress(local).value_or(Reach::kNetwork), Reach::kThisMachine) << local;
  }
  for (const char* network : {"0.0.0.0:1", "[::]:1", "10.1.2.3:1", "[fe80::1]:1", "example.org:1",
                              "localhost.example.org:1", "128.0.0.1:1", "[::ffff:10.0.0.1]:1"}) {
    EXPECT_EQ(ReachOfListenAddress(network).value_or(Reach::kThisMachine), Reach::kNetwork) << network;
  }
}

TEST(ListenAddressTest, RefusesWhatIsNoAddress) {
  for (const char* bad : {"", "localhost", ":50051", "localhost:", "localhost:65536", "localhost:-1",
                          "localhost:+1", "localhost:1x", "localhost: 1", "::1:50051", "[::1]", "[::1",
                          "[nonsense]:1", "http://localhost:1", "unix:", "unix:relative", "a b:1"}) {
    EXPECT_EQ(ReachOfListenAddress(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(ReachOfListenAddress("unix:/" + std::string(107, 'a')).ok());
  EXPECT_TRUE(ReachOfListenAddress("unix:/" + std::string(106, 'a')).ok());
}

TEST(RedactionTest, MasksEveryFormOfAPassword) {
  EXPECT_EQ(WithoutPasswords("postgresql://ada:hunter2@db:5432/x?a=b"), "postgresql://ada:***@db:5432/x?a=b");
  EXPECT_EQ(WithoutPasswords("postgresql://ada:h/u?n@ter2@db/x"), "postgresql://ada:***@db/x");
  EXPECT_EQ(WithoutPasswords("postgresql:///x?user=a&password=hunter2&b=c"),
            "postgresql:///x?user=a&password=***&b=c");
  EXPECT_EQ(WithoutPasswords("host=db password=hunter2 user=a"), "host=db password=*** user=a");
  EXPECT_EQ(WithoutPasswords("host=db password = 'hun\\'ter 2' user=a"), "host=db password = *** user=a");
  EXPECT_EQ(WithoutPasswords("PASSWORD='hunter2"), "PASSWORD=***");
  EXPECT_EQ(WithoutPasswords("sslpassword=hunter2"), "sslpassword=***");
  EXPECT_EQ(WithoutPasswords("a://b:c@d e://f:g@h"), "a://b:***@h");
}

// Found by tests/fuzz/redaction.cc: each showed a part of the password.
TEST(RedactionTest, MasksPasswordsWithBlanksAndSeparators) {
  EXPECT_EQ(WithoutPasswords("postgresql://ada:hunter 2@db/x"), "postgresql://ada:***@db/x");
  EXPECT_EQ(WithoutPasswords("host=db password=hunter\\ 2 user=a"), "host=db password=*** user=a");
  EXPECT_EQ(WithoutPasswords("host=db password=hunter&2 user=a"), "host=db password=*** user=a");
  EXPECT_EQ(WithoutPasswords("password\n=\vhunter2\nuser=a"), "password\n=\v***\nuser=a");
  EXPECT_EQ(WithoutPasswords("postgresql://db/x?password=hunter 2&b=c"),
            "postgresql://db/x?password=***&b=c");
  EXPECT_EQ(WithoutPasswords("postgresql://db:1/x?password=hunt@er2"), "postgresql://db:***");
}

TEST(RedactionTest, LeavesOtherTextAlone) {
  for (const char* text : {"", "://", "postgresql://db/x", "postgresql://ada@db:5432/x", "no password here",
                           "password", "password=", "http://[::1]:1/"}) {
    EXPECT_EQ(WithoutPasswords(text), text);
  }
}

}  // namespace
}  // namespace signalbox::service
