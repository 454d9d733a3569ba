#include "service/postgres/embedded_postgres.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "service/postgres/postgres_binaries.h"

namespace signalbox::service {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string ShellQuoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string Programs() {
  static const std::string directory = FindPostgres("", "").value().directory;
  return directory;
}

// What psql prints, errors included.
std::string Query(const std::string& connection, const std::string& sql) {
  const std::string command = absl::StrCat(Programs(), "/psql -X -A -t -v ON_ERROR_STOP=1 ",
                                           ShellQuoted(connection), " -c ", ShellQuoted(sql), " 2>&1");
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> part{};
  for (std::size_t n = 0; (n = fread(part.data(), 1, part.size(), pipe)) > 0;) output.append(part.data(), n);
  pclose(pipe);
  return std::string(absl::StripAsciiWhitespace(output));
}

bool Eventually(const std::function<bool()>& holds, absl::Duration limit = absl::Seconds(20)) {
  for (const absl::Time end = absl::Now() + limit; absl::Now() < end;
       absl::SleepFor(absl::Milliseconds(10))) {
    if (holds()) return true;
  }
  return false;
}

std::string Content(const std::string& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// 0 when there is none.
pid_t PostmasterOf(const std::string& data) {
  pid_t pid = 0;
  std::ifstream(data + "/cluster/postmaster.pid") >> pid;
  return pid;
}

bool IsAlive(pid_t pid) {
  std::string stat = Content(absl::StrCat("/proc/", pid, "/stat"));
  return !stat.empty() && !absl::StrContains(stat, ") Z ");
}

uid_t UserOf(pid_t pid) {
  struct stat status {};
  return stat(absl::StrCat("/proc/", pid).c_str(), &status) == 0 ? status.st_uid : 0;
}

// An embedded Postgres in a process of its own.
class Host {
 public:
  explicit Host(std::vector<std::string> arguments) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    EXPECT_EQ(pipe2(to.data(), O_CLOEXEC) + pipe2(from.data(), O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), EMBEDDED_POSTGRES_HOST);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      std::vector<char*> pointers;
      pointers.reserve(arguments.size() + 1);
      for (std::string& argument : arguments) pointers.push_back(argument.data());
      pointers.push_back(nullptr);
      execv(EMBEDDED_POSTGRES_HOST, pointers.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    input_ = to[1];
    output_ = fdopen(from[0], "r");
  }
  ~Host() {
    if (pid_ > 0) Kill();
    if (input_ >= 0) close(input_);
    fclose(output_);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // The connection string; empty, with a failure of the test, when it does not serve.
  std::string AwaitReady() {
    std::array<char, 4096> line{};
    const std::string said = fgets(line.data(), line.size(), output_) != nullptr ? line.data() : "nothing";
    EXPECT_THAT(said, testing::StartsWith("ready "));
    return absl::StartsWith(said, "ready ") ? said.substr(6, said.size() - 7) : "";
  }
  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  int Stop() {
    close(std::exchange(input_, -1));
    int wait_status = 0;
    waitpid(std::exchange(pid_, 0), &wait_status, 0);
    return wait_status;
  }

 private:
  pid_t pid_ = 0;
  int input_ = -1;
  FILE* output_ = nullptr;
};

// A private folder for each test, which nobody else may enter.
class EmbeddedPostgresTest : public testing::Test {
 protected:
  EmbeddedPostgresTest() : folder_(NewFolder()), data_(folder_ + "/data") {}
  ~EmbeddedPostgresTest() override {
    if (HasFailure()) std::cerr << "postgres.log:\n" << Content(data_ + "/postgres.log");
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> TryStart() const { return TryStart(data_); }
  static absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> TryStart(const std::string& data) {
    EmbeddedPostgres::Options options;
    options.data_dir = data;
    return EmbeddedPostgres::Start(options);
  }
  // Most tests start on a copy of one cluster; making it anew takes seconds.
  static void SetUpTestSuite() {
    template_ = NewFolder();
    ASSERT_TRUE(TryStart(template_).ok());
  }
  static void TearDownTestSuite() { fs::remove_all(template_); }
  void UseMadeCluster() const {
    fs::create_directories(fs::path(data_).parent_path());
    const std::string command = absl::StrCat("cp -a ", ShellQuoted(template_), " ", ShellQuoted(data_));
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static std::string NewFolder() {
    std::string path = fs::temp_directory_path() / "embedded-postgres-test-XXXXXX";
    return mkdtemp(path.data());
  }
  std::unique_ptr<EmbeddedPostgres> Start() const {
    auto postgres = TryStart();
    EXPECT_TRUE(postgres.ok()) << postgres.status();
    return postgres.ok() ? *std::move(postgres) : nullptr;
  }
  static std::string Refusal(const absl::StatusOr<std::unique_ptr<EmbeddedPostgres>>& postgres) {
    EXPECT_EQ(postgres.status().code(), absl::StatusCode::kFailedPrecondition) << postgres.status();
    return std::string(postgres.status().message());
  }

  static std::string template_;
  std::string folder_;
  std::string data_;
};

std::string EmbeddedPostgresTest::template_;

TEST_F(EmbeddedPostgresTest, MakesAClusterThatIsSafeAndPrivate) {
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  const std::string connection = postgres->connection_string();
  for (const auto& [setting, value] : std::vector<std::pair<std::string, std::string>>{
           {"listen_addresses", ""},
           {"server_encoding", "UTF8"},
           {"lc_collate", "C"},
           {"data_checksums", "on"},
           {"fsync", "on"},
           {"synchronous_commit", "on"},
           {"full_page_writes", "on"},
           {"max_connections", "50"},
       }) {
    EXPECT_EQ(Query(connection, "SHOW " + setting), value) << setting;
  }
  EXPECT_EQ(Query(connection, "SELECT current_user, current_database()"), "signalbox|signalbox");
  struct stat status {};
  ASSERT_EQ(stat((data_ + "/socket").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
  EXPECT_NE(UserOf(PostmasterOf(data_)), 0U) << "Postgres must not run as root";
}

TEST_F(EmbeddedPostgresTest, StopsWithoutATrace) {
  UseMadeCluster();
  auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  const pid_t postmaster = PostmasterOf(data_);
  ASSERT_TRUE(IsAlive(postmaster));
  EXPECT_EQ(postgres->Stop(absl::Seconds(20)), absl::OkStatus());
  EXPECT_FALSE(IsAlive(postmaster));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
  EXPECT_EQ(PostmasterOf(data_), 0);
  EXPECT_FALSE(fs::exists(data_ + "/socket"));
  EXPECT_EQ(postgres->Stop(absl::Seconds(20)), absl::OkStatus()) << "Stop() is idempotent";
  EXPECT_NE(Start(), nullptr) << "the lock is free after Stop()";
}

TEST_F(EmbeddedPostgresTest, KeepsItsDataAndStartsFastTheSecondTime) {
  UseMadeCluster();
  auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  Query(postgres->connection_string(), "CREATE TABLE kept AS SELECT 42 AS answer");
  postgres.reset();

  const absl::Time begin = absl::Now();
  postgres = Start();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(Query(postgres->connection_string(), "SELECT answer FROM kept"), "42");
}

TEST_F(EmbeddedPostgresTest, StartsAKilledPostmasterAgainWithItsData) {
  UseMadeCluster();
  testing::internal::CaptureStderr();
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  const std::string connection = postgres->connection_string();
  Query(connection, "CREATE TABLE kept AS SELECT 42 AS answer");
  for (int round = 0; round < 3; ++round) {
    // A backend at work outlives its postmaster for a moment.
    std::thread busy([&connection] { Query(connection, "SELECT pg_sleep(600)"); });
    EXPECT_TRUE(Eventually([&connection] {
      return Query(connection, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep.600'") == "2";
    }));
    kill(PostmasterOf(data_), SIGKILL);
    busy.join();
    EXPECT_TRUE(Eventually([&connection] { return Query(connection, "SELECT answer FROM kept") == "42"; }));
  }
  const std::string logged = testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, HasSubstr("\"event\":\"postgres_ended\",\"how\":\"signal 9\""));
  EXPECT_THAT(logged, HasSubstr("\"event\":\"postgres_restarted\""));
  EXPECT_EQ(postgres->Stop(absl::Seconds(20)), absl::OkStatus());
}

TEST_F(EmbeddedPostgresTest, RecoversAfterABackendWasKilled) {
  UseMadeCluster();
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  const std::string connection = postgres->connection_string();
  Query(connection, "CREATE TABLE kept AS SELECT 42 AS answer");
  const pid_t postmaster = PostmasterOf(data_);
  const std::string checkpointer =
      Query(connection, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
  kill(std::stoi(checkpointer), SIGKILL);
  EXPECT_TRUE(Eventually([&connection] { return Query(connection, "SELECT answer FROM kept") == "42"; }));
  EXPECT_EQ(PostmasterOf(data_), postmaster);
}

TEST_F(EmbeddedPostgresTest, RunsParallelQueriesAndVacuum) {
  UseMadeCluster();
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  const std::string connection = postgres->connection_string();
  Query(connection, "CREATE TABLE many AS SELECT g FROM generate_series(1, 200000) g");
  EXPECT_EQ(Query(connection, "VACUUM ANALYZE many"), "VACUUM");
  EXPECT_EQ(Query(connection, "CHECKPOINT"), "CHECKPOINT");
  EXPECT_THAT(Query(connection,
                    "SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; "
                    "EXPLAIN ANALYZE SELECT count(*) FROM many WHERE g % 7 = 1"),
              HasSubstr("Workers Launched: 2"));
}

TEST_F(EmbeddedPostgresTest, LeavesNoOrphanWhenItsProcessIsKilled) {
  UseMadeCluster();
  for (int round = 0; round < 3; ++round) {
    Host host({data_});
    const std::string connection = host.AwaitReady();
    Query(connection, "CREATE TABLE IF NOT EXISTS rounds (number integer)");
    EXPECT_EQ(Query(connection, absl::StrCat("INSERT INTO rounds VALUES (", round, ")")), "INSERT 0 1");
    const pid_t postmaster = PostmasterOf(data_);
    host.Kill();
    if (round > 0) continue;  // The next start meets a server that is just dying.
    EXPECT_TRUE(Eventually([postmaster] { return !IsAlive(postmaster); }));
  }
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(Query(postgres->connection_string(), "SELECT count(*) FROM rounds"), "3");
}

TEST_F(EmbeddedPostgresTest, StartsAfterProcessAndPostmasterWereKilledTogether) {
  UseMadeCluster();
  for (int round = 0; round < 3; ++round) {
    Host host({data_});
    const std::string connection = host.AwaitReady();
    Query(connection, "CREATE TABLE IF NOT EXISTS rounds (number integer)");
    EXPECT_EQ(Query(connection, absl::StrCat("INSERT INTO rounds VALUES (", round, ")")), "INSERT 0 1");
    kill(PostmasterOf(data_), SIGKILL);
    host.Kill();
  }
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(Query(postgres->connection_string(), "SELECT count(*) FROM rounds"), "3");
}

TEST_F(EmbeddedPostgresTest, RedoesAFirstStartThatWasInterrupted) {
  for (const int milliseconds : {50, 200, 400, 600, 800, 1000, 1200, 1400}) {
    Host host({data_});
    absl::SleepFor(absl::Milliseconds(milliseconds));
    host.Kill();
  }
  auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(Query(postgres->connection_string(), "SELECT 1"), "1");
  postgres.reset();
  postgres = Start();  // By now every initdb has ended, and what it left is removed.
  for (const auto& entry : fs::directory_iterator(data_)) {
    EXPECT_THAT(entry.path().filename().string(),
                testing::AnyOf("lock", "cluster", "socket", "postgres.log"));
  }
}

TEST_F(EmbeddedPostgresTest, RefusesADirectoryThatAnotherServerUses) {
  UseMadeCluster();
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  EXPECT_THAT(Refusal(TryStart()), AllOf(HasSubstr(data_), HasSubstr("another signalboxd")));
  EXPECT_EQ(Query(postgres->connection_string(), "SELECT 1"), "1") << "the first one must not notice";
}

TEST_F(EmbeddedPostgresTest, RefusesAForeignDirectoryAndLeavesItUntouched) {
  fs::create_directory(data_);
  std::ofstream(data_ + "/thesis.txt") << "two years";
  EXPECT_THAT(Refusal(TryStart()), AllOf(HasSubstr(data_), HasSubstr("not empty")));
  std::ofstream(data_ + "/lock") << "of somebody else";
  EXPECT_THAT(Refusal(TryStart()), HasSubstr(data_));
  EXPECT_EQ(Content(data_ + "/thesis.txt"), "two years");
  EXPECT_EQ(Content(data_ + "/lock"), "of somebody else");
  EXPECT_EQ(std::distance(fs::directory_iterator(data_), {}), 2);
  EXPECT_THAT(Refusal(TryStart(data_ + "/thesis.txt")), HasSubstr("thesis.txt"));
}

TEST_F(EmbeddedPostgresTest, TakesTheRootOfAVolume) {
  fs::create_directories(data_ + "/lost+found");
  EXPECT_NE(Start(), nullptr);
}

TEST_F(EmbeddedPostgresTest, ServesFromAPathTooLongForASocket) {
  data_ = absl::StrCat(folder_, "/", std::string(100, 'd'), "/data");
  UseMadeCluster();
  fs::path place;
  {
    const auto postgres = Start();
    ASSERT_NE(postgres, nullptr);
    EXPECT_EQ(Query(postgres->connection_string(), "SELECT 1"), "1");
    place = fs::read_symlink(data_ + "/socket");
    EXPECT_TRUE(fs::is_directory(place));
  }
  EXPECT_FALSE(fs::exists(place));
  EXPECT_FALSE(fs::is_symlink(data_ + "/socket"));

  fs::path abandoned;
  {
    Host host({data_});
    host.AwaitReady();
    abandoned = fs::read_symlink(data_ + "/socket");
  }
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  EXPECT_FALSE(fs::exists(abandoned)) << "what a killed server left in /tmp must go";
}

TEST_F(EmbeddedPostgresTest, ServesFromAPathThatNeedsQuoting) {
  for (const char* name : {"it's here \\ now", "a,b"}) {
    data_ = folder_ + "/" + name;
    UseMadeCluster();
    const auto postgres = Start();
    ASSERT_NE(postgres, nullptr);
    EXPECT_EQ(Query(postgres->connection_string(), "SELECT 1"), "1") << postgres->connection_string();
  }
}

TEST_F(EmbeddedPostgresTest, RunsAsTheUserWhoIsNotRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "all other tests show it";
  constexpr uid_t kUser = 65534;  // nobody
  ASSERT_EQ(chown(folder_.c_str(), kUser, kUser), 0);
  {
    Host host({data_, "65534"});
    EXPECT_EQ(Query(host.AwaitReady(), "CREATE TABLE kept AS SELECT 42 AS answer"), "SELECT 1");
    EXPECT_EQ(UserOf(PostmasterOf(data_)), kUser);
    EXPECT_EQ(host.Stop(), 0);
  }
  // Root then takes that user's cluster over, as that user.
  const auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(UserOf(PostmasterOf(data_)), kUser);
  EXPECT_EQ(Query(postgres->connection_string(), "SELECT answer FROM kept"), "42");
}

TEST_F(EmbeddedPostgresTest, NamesBothVersionsWhenTheyDoNotFit) {
  UseMadeCluster();
  std::ofstream(data_ + "/cluster/PG_VERSION") << "9\n";
  EXPECT_THAT(Refusal(TryStart()), AllOf(HasSubstr("Postgres 9,"), HasSubstr("is Postgres ")));
}

TEST_F(EmbeddedPostgresTest, NamesThePackageOrTheFlagWhenThereAreNoPrograms) {
  EmbeddedPostgres::Options options;
  options.data_dir = data_;
  options.bin_dir = folder_;
  EXPECT_THAT(Refusal(EmbeddedPostgres::Start(options)),
              AllOf(HasSubstr("--postgres-bin-dir"), HasSubstr(folder_)));
}

TEST_F(EmbeddedPostgresTest, SaysAtOnceWhatPostgresDislikes) {
  UseMadeCluster();
  std::ofstream(data_ + "/cluster/postgresql.conf", std::ios::app) << "work_mem = nonsense\n";
  const absl::Time begin = absl::Now();
  EXPECT_THAT(Refusal(TryStart()), AllOf(HasSubstr("postgresql.conf"), HasSubstr("postgres.log")));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

// In a container the id of a killed postmaster soon belongs to something else, perhaps to ourselves; Postgres
// alone then refuses to start for ever.
TEST_F(EmbeddedPostgresTest, StartsAlthoughTheOldProcessIdIsTakenByAnother) {
  UseMadeCluster();
  const pid_t other = fork();
  if (other == 0) {
    struct stat cluster {};
    if (stat((data_ + "/cluster").c_str(), &cluster) != 0 ||
        setresuid(cluster.st_uid, cluster.st_uid, cluster.st_uid) != 0) {
      _exit(1);
    }
    for (;;) pause();
  }
  const std::string file = data_ + "/cluster/postmaster.pid";
  std::ofstream(file) << other << "\n"
                      << data_ << "/cluster\n1\n5432\n"
                      << data_ << "/socket\n\n1 1\nready\n";
  EXPECT_NE(Start(), nullptr);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
}

TEST_F(EmbeddedPostgresTest, EndsAServerTheHardWayWhenItDoesNotStop) {
  UseMadeCluster();
  auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  Query(postgres->connection_string(), "CREATE TABLE kept AS SELECT 42 AS answer");
  const pid_t postmaster = PostmasterOf(data_);
  kill(postmaster, SIGSTOP);
  EXPECT_EQ(postgres->Stop(absl::Milliseconds(200)).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(IsAlive(postmaster));
  postgres = Start();
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(Query(postgres->connection_string(), "SELECT answer FROM kept"), "42");
}

TEST_F(EmbeddedPostgresTest, CanBeStoppedByManyWhileItRestarts) {
  UseMadeCluster();
  auto postgres = Start();
  ASSERT_NE(postgres, nullptr);
  for (int round = 0; round < 8; ++round) {
    kill(PostmasterOf(data_), SIGKILL);
    absl::SleepFor(absl::Milliseconds(20 * round));
    constexpr int kStoppers = 4;
    std::vector<std::thread> stoppers;
    stoppers.reserve(kStoppers);
    for (int i = 0; i < kStoppers; ++i) {
      stoppers.emplace_back([&postgres] { postgres->Stop(absl::Seconds(20)).IgnoreError(); });
    }
    for (std::thread& stopper : stoppers) stopper.join();
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
    postgres = Start();
    ASSERT_NE(postgres, nullptr);
  }
}

TEST_F(EmbeddedPostgresTest, GivesUpAStartThatIsCancelled) {
  EmbeddedPostgres::Options options;
  options.data_dir = data_;
  std::atomic<int> asked = 0;
  options.is_cancelled = [&asked] { return ++asked > 5; };
  EXPECT_EQ(EmbeddedPostgres::Start(options).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
  EXPECT_FALSE(fs::exists(data_ + "/cluster"));
  EXPECT_NE(Start(), nullptr);
}

}  // namespace
}  // namespace signalbox::service
