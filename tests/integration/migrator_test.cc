#include "service/postgres/migrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_database.h"

namespace signalbox::service {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<Migration> kTwo = {
    {1, "0001_first.sql", "CREATE TABLE signalbox.first (n int)"},
    {2, "0002_second.sql", "CREATE TABLE signalbox.second (n int); INSERT INTO signalbox.first VALUES (2)"}};

class MigratorTest : public testing::Test {
 protected:
  static std::string Refusal(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    return std::string(status.message());
  }
  TempDatabase database_{TempDatabase::Schema::kNone};
  const ConnectionOptions options_ = database_.Options();
  ConnectionPool pool_{options_, 1};
};

TEST_F(MigratorTest, TheServerRefusesAFreshDatabase) {
  EXPECT_THAT(Refusal(CheckSchema(pool_, EmbeddedMigrations())),
              AllOf(HasSubstr("version 0"), HasSubstr("wants version"), HasSubstr("signalboxd migrate")));
}

TEST_F(MigratorTest, BringsAFreshDatabaseUpToDate) {
  const absl::StatusOr<std::vector<int>> versions = Migrate(options_, EmbeddedMigrations());
  ASSERT_TRUE(versions.ok()) << versions.status();
  EXPECT_EQ(versions->size(), EmbeddedMigrations().size());
  EXPECT_EQ(CheckSchema(pool_, EmbeddedMigrations()), absl::OkStatus());
  EXPECT_THAT(*Migrate(options_, EmbeddedMigrations()), IsEmpty())
      << "the second time there is nothing to do";
  EXPECT_EQ(database_.Query(
                "SELECT name || ' ' || length(checksum) FROM signalbox.schema_migrations WHERE version = 1"),
            absl::StrCat(std::string(EmbeddedMigrations()[0].name), " 16"));
}

TEST_F(MigratorTest, AppliesOnlyWhatIsMissing) {
  EXPECT_THAT(*Migrate(options_, {kTwo[0]}), ElementsAre(1));
  EXPECT_THAT(Refusal(CheckSchema(pool_, kTwo)), AllOf(HasSubstr("version 1"), HasSubstr("wants version 2")));
  EXPECT_THAT(*Migrate(options_, kTwo), ElementsAre(2));
  EXPECT_EQ(CheckSchema(pool_, kTwo), absl::OkStatus());
}

TEST_F(MigratorTest, ReplicasThatStartAtOnceApplyEachMigrationOnce) {
  constexpr int kReplicas = 4;
  std::vector<absl::StatusOr<std::vector<int>>> results(kReplicas, std::vector<int>());
  std::vector<std::thread> replicas;
  replicas.reserve(kReplicas);
  for (int i = 0; i < kReplicas; ++i) replicas.emplace_back([&, i] { results[i] = Migrate(options_, kTwo); });
  for (std::thread& replica : replicas) replica.join();
  size_t applied = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    applied += result->size();
  }
  EXPECT_EQ(applied, kTwo.size());
  EXPECT_EQ(database_.Query("SELECT count(*) FROM signalbox.first"), "1");
}

TEST_F(MigratorTest, AMigrationThatFailsLeavesNothingBehind) {
  const std::vector<Migration> broken = {
      kTwo[0], {2, "0002_broken.sql", "CREATE TABLE signalbox.half (n int); SELECT 1/0"}};
  EXPECT_EQ(Migrate(options_, broken).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(database_.Query("SELECT to_regclass('signalbox.half') IS NULL"), "t");
  EXPECT_THAT(*Migrate(options_, kTwo), ElementsAre(2)) << "what came before it stays";
}

TEST_F(MigratorTest, RefusesASchemaNewerThanItKnows) {
  ASSERT_TRUE(Migrate(options_, kTwo).ok());
  for (const absl::Status& status : {CheckSchema(pool_, {kTwo[0]}), Migrate(options_, {kTwo[0]}).status()}) {
    EXPECT_THAT(Refusal(status), AllOf(HasSubstr("version 2"), HasSubstr("knows version 1")));
  }
}

TEST_F(MigratorTest, RefusesAMigrationThatWasChangedAfterwards) {
  ASSERT_TRUE(Migrate(options_, kTwo).ok());
  const std::vector<Migration> changed = {{1, "0001_first.sql", "CREATE TABLE signalbox.first (n bigint)"},
                                          kTwo[1]};
  for (const absl::Status& status : {CheckSchema(pool_, changed), Migrate(options_, changed).status()}) {
    EXPECT_THAT(Refusal(status), AllOf(HasSubstr("version 1"), HasSubstr("checksum")));
  }
}

TEST_F(MigratorTest, ADatabaseThatCannotBeReachedIsUnavailable) {
  ConnectionOptions nowhere = options_;
  nowhere.url = "host=/nonexistent dbname=signalbox";
  ConnectionPool pool(nowhere, 1);
  EXPECT_EQ(CheckSchema(pool, kTwo).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Migrate(nowhere, kTwo).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(MigratorTest, RefusesADatabaseOfAnotherEncoding) {
  database_.Query("DROP DATABASE IF EXISTS latin");
  database_.Query("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  ConnectionOptions latin = options_;
  latin.url += " dbname=latin";
  EXPECT_THAT(Refusal(OpenConnection(latin).status()), AllOf(HasSubstr("LATIN1"), HasSubstr("UTF8")));
}

}  // namespace
}  // namespace signalbox::service
