#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "service/postgres/migrator.h"
#include "tests/integration/postgres_storage.h"
#include "tests/support/temp_database.h"

// Groups that look like new commands to runs that are known, and are not: what the database finds out about
// them late must not show.

namespace signalbox::service {
namespace {

using testing::SizeIs;

NewMessage Draft(const std::string& key, const std::string& request_id = "") {
  return {
      .run = {.id = "run-a"}, .key = key, .value = "v", .request_id = request_id, .fingerprint = request_id};
}

std::vector<Appended> Publish(PostgresStorage& storage, const std::vector<NewMessage>& drafts) {
  std::vector<const NewMessage*> pointers;
  pointers.reserve(drafts.size());
  for (const NewMessage& draft : drafts) pointers.push_back(&draft);
  absl::StatusOr<GroupOutcome> outcome = storage.log().ApplyGroup(pointers, {});
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? outcome->appended : std::vector<Appended>(drafts.size());
}

std::vector<int64_t> SequencesOf(const std::vector<Appended>& appended) {
  std::vector<int64_t> sequences;
  for (const Appended& one : appended) {
    EXPECT_TRUE(one.status.ok()) << one.status;
    sequences.push_back(one.message == nullptr ? 0 : one.message->id.sequence);
  }
  return sequences;
}

class NewCommandsTest : public testing::Test {
 protected:
  NewCommandsTest() {
    EXPECT_TRUE(storage_.runs().Create({.project = "p", .id = "run-a"}).ok());
    Publish(storage_, {Draft("k", "first"), Draft("k")});
  }

  std::string Stored() const {
    return database_.Query(
        "SELECT string_agg(sequence::text, ' ' ORDER BY sequence) FROM signalbox.messages");
  }

  TempDatabase database_;
  PostgresStorage storage_{database_.Options("log"), 1000};
};

TEST_F(NewCommandsTest, ARepeatIsAnsweredAndTheOthersAreStored) {
  EXPECT_EQ(SequencesOf(Publish(storage_, {Draft("k", "new"), Draft("k", "first"), Draft("k")})),
            (std::vector<int64_t>{3, 1, 4}));
  EXPECT_EQ(Stored(), "1 2 3 4");
  EXPECT_EQ(SequencesOf(Publish(storage_, {Draft("k"), Draft("k", "new")})), (std::vector<int64_t>{5, 3}));
}

TEST_F(NewCommandsTest, ARequestIdWithOtherContentIsRefusedAndTheOthersAreStored) {
  NewMessage other = Draft("k", "first");
  other.fingerprint = "other";
  const std::vector<Appended> appended = Publish(storage_, {Draft("k"), other, Draft("k")});
  ASSERT_THAT(appended, SizeIs(3));
  EXPECT_TRUE(absl::IsAlreadyExists(appended[1].status)) << appended[1].status;
  EXPECT_EQ(Stored(), "1 2 3 4");
}

TEST_F(NewCommandsTest, ARequestIdIsOfItsRunOnly) {
  ASSERT_TRUE(storage_.runs().Create({.project = "p", .id = "run-b"}).ok());
  NewMessage to_b = Draft("k", "first");
  to_b.run.id = "run-b";
  Publish(storage_, {to_b});
  NewMessage new_to_b = to_b;
  new_to_b.request_id = "second";
  EXPECT_EQ(SequencesOf(Publish(storage_, {new_to_b, Draft("k", "second")})), (std::vector<int64_t>{2, 3}));
}

TEST_F(NewCommandsTest, AKeyIsASettingFromItsDeclarationOn) {
  PostgresStorage other(database_.Options("other"), 1000);
  ASSERT_TRUE(other.runs().DeclareKeys({.id = "run-a"}, {{"k", Kind::kSetting, ""}}).ok());
  const std::vector<Appended> appended = Publish(storage_, {Draft("k"), Draft("other"), Draft("k")});
  ASSERT_THAT(SequencesOf(appended), SizeIs(3));
  EXPECT_EQ(appended[0].message->kind, Kind::kSetting);
  EXPECT_EQ(appended[1].message->kind, Kind::kCommand);
  EXPECT_THAT(appended[2].superseded, SizeIs(1));

  ASSERT_TRUE(other.runs().DeclareKeys({.id = "run-a"}, {{"k", Kind::kCommand, ""}}).ok());
  EXPECT_EQ(Publish(storage_, {Draft("k"), Draft("k")})[1].message->kind, Kind::kCommand);
}

TEST(DeclaredBeforeAnUpgradeTest, ASettingStaysOne) {
  const TempDatabase database(TempDatabase::Schema::kNone);
  constexpr int kBefore = 8;  // 0009 is the first that remembers with the run whether it has settings.
  ASSERT_TRUE(Migrate(database.Options(), EmbeddedMigrations().first(kBefore)).ok());
  PostgresStorage storage(database.Options("log"), 1000);
  ASSERT_TRUE(storage.runs().Create({.project = "p", .id = "run-a"}).ok());
  ASSERT_TRUE(storage.runs().DeclareKeys({.id = "run-a"}, {{"k", Kind::kSetting, ""}}).ok());
  ASSERT_TRUE(Migrate(database.Options(), EmbeddedMigrations()).ok());
  Publish(storage, {Draft("k")});
  const std::vector<Appended> appended = Publish(storage, {Draft("other"), Draft("k")});
  EXPECT_EQ(SequencesOf(appended), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(appended[1].message->kind, Kind::kSetting);
}

}  // namespace
}  // namespace signalbox::service
