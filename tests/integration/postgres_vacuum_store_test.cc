#include "service/postgres/postgres_vacuum_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "service/feed/vacuumer.h"
#include "tests/integration/postgres_storage.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_database.h"

namespace signalbox::service {
namespace {

using testing::HasSubstr;

constexpr char kMessages[] = "signalbox.messages";

class PostgresVacuumStoreTest : public testing::Test {
 protected:
  PostgresVacuumStoreTest() {
    for (const char* table : {"messages", "runs"}) {
      database_.Query(absl::StrCat("ALTER TABLE signalbox.", table, " SET (autovacuum_enabled = false)"));
    }
  }

  // Publishes, acks and prunes. Sessions count what they left dead at their end, so that is waited for.
  void LeaveDeadRows(int count) const {
    PublishAndPrune(count);
    EXPECT_TRUE(Eventually([&] { return SessionsOf("storage", "") == 0; }));
  }
  void PublishAndPrune(int count) const {
    PostgresStorage storage(database_.Options("storage"), count);
    const absl::StatusOr<service::Run> run = storage.runs().Create({.project = "p"});
    ASSERT_TRUE(run.ok()) << run.status();
    const NewMessage draft = {.run = {.id = run->id}, .key = "k", .value = std::string(200, 'x')};
    const absl::StatusOr<GroupOutcome> published =
        storage.log().ApplyGroup(std::vector<const NewMessage*>(count, &draft), {});
    ASSERT_TRUE(published.ok()) << published.status();
    AckCall ack = {.consumer = "w", .outcome = AckOutcome::kApplied};
    for (const Appended& appended : published->appended) ack.ids.push_back(appended.message->id);
    const AckCall* acks[] = {&ack};
    ASSERT_TRUE(storage.log().ApplyGroup({}, acks).ok());
    const Retention nothing_is_kept = {absl::ZeroDuration(), absl::ZeroDuration()};
    ASSERT_EQ(*storage.pruning().Prune(run->run_no, nothing_is_kept, {.rows = count, .bytes = 1 << 30}),
              count);
  }
  void MakeManyDeadRows(int count) const {
    database_.Query(absl::StrCat(
        "INSERT INTO signalbox.messages (run_no, sequence, nonce, create_time, kind, state, key, ",
        "value, publisher, reason) SELECT 1, g, g, now(), 1, 1, 'k', '\\x00', repeat('p', 200), '' ",
        "FROM generate_series(1, ", count, ") g"));
    database_.Query("DELETE FROM signalbox.messages");
  }
  int64_t Number(const std::string& sql) const { return std::stoll(database_.Query(sql)); }
  int64_t Vacuums() const {
    return Number("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'messages'");
  }
  int64_t Size() const { return Number("SELECT pg_total_relation_size('signalbox.messages')"); }
  int64_t SessionsOf(const std::string& name, const std::string& statement) const {
    return Number(
        absl::StrCat("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND ",
                     "application_name = '", name, "' AND query LIKE '", statement, "%'"));
  }
  bool IsVacuuming() const { return SessionsOf("vacuum", "VACUUM") > 0; }

  TempDatabase database_;
  ConnectionPool pool_{database_.Options(), 1};
  PostgresVacuumStore store_{pool_, database_.Options("vacuum")};
};

TEST_F(PostgresVacuumStoreTest, TablesStayAsSmallAsTheyAreWithoutAutovacuum) {
  ManualClock clock;
  Vacuumer vacuumer(store_, clock.AsFunction());
  int64_t first_size = 0;
  for (int round = 1; round <= 8; ++round) {
    LeaveDeadRows(2000);
    ASSERT_TRUE(Eventually([&] {
      clock.Advance(absl::Minutes(1));
      vacuumer.Run();
      return Vacuums() == round;
    }));
    if (round == 1) first_size = Size();
  }
  EXPECT_LE(Size(), first_size * 3 / 2) << "eight times as much went through it";
}

TEST_F(PostgresVacuumStoreTest, FindsWhatAutovacuumWouldHaveTakenLongAgo) {
  const auto finds = [&](absl::string_view name) {
    const absl::StatusOr<std::vector<OverdueTable>> tables = store_.FindOverdueTables();
    EXPECT_TRUE(tables.ok()) << tables.status();
    return std::ranges::find(*tables, name, &OverdueTable::name) != tables->end();
  };
  LeaveDeadRows(200);
  ASSERT_TRUE(finds(kMessages));
  EXPECT_FALSE(finds("signalbox.runs"));
  database_.Query("ALTER TABLE signalbox.messages SET (autovacuum_vacuum_threshold = 1000)");
  EXPECT_FALSE(finds(kMessages)) << "who set this wants to see so many";
  database_.Query("ALTER TABLE signalbox.messages RESET (autovacuum_vacuum_threshold)");
  ASSERT_TRUE(finds(kMessages));
  EXPECT_EQ(store_.Vacuum({.name = kMessages}), absl::OkStatus());
  EXPECT_FALSE(finds(kMessages));
}

TEST_F(PostgresVacuumStoreTest, PublishesGoOnWhileItIsUnderWay) {
  MakeManyDeadRows(30000);
  database_.Query("ALTER DATABASE " + database_.Query("SELECT current_database()") +
                  " SET vacuum_cost_limit = 1");
  std::thread vacuum([&] { EXPECT_TRUE(absl::IsUnavailable(store_.Vacuum({.name = kMessages}))); });
  EXPECT_TRUE(Eventually([&] { return IsVacuuming(); }));
  LeaveDeadRows(100);
  PostgresVacuumStore of_another_replica(pool_, database_.Options("other"));
  EXPECT_TRUE(absl::IsAborted(of_another_replica.Vacuum({.name = kMessages}))) << "it does not wait";
  EXPECT_TRUE(IsVacuuming());
  const absl::Time stop = absl::Now();
  store_.Stop();
  vacuum.join();
  EXPECT_LT(absl::Now() - stop, absl::Seconds(2));
  EXPECT_TRUE(Eventually([&] { return !IsVacuuming(); }, absl::Seconds(5)))
      << "Postgres does not go on with it";
  EXPECT_TRUE(absl::IsUnavailable(store_.Vacuum({.name = kMessages})));
  EXPECT_EQ(Vacuums(), 0);
}

TEST_F(PostgresVacuumStoreTest, WhoDoesNotOwnTheTableIsTold) {
  database_.Query("CREATE ROLE guest");
  database_.Query("GRANT USAGE ON SCHEMA signalbox TO guest");
  ConnectionOptions options = database_.Options("guest");
  options.url += " options='-c role=guest'";
  const absl::Status status = PostgresVacuumStore(pool_, options).Vacuum({.name = kMessages});
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("messages"));
  EXPECT_EQ(Vacuums(), 0);
  database_.Query("DROP OWNED BY guest; DROP ROLE guest");
}

}  // namespace
}  // namespace signalbox::service
