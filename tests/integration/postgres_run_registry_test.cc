#include "service/postgres/postgres_run_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/postgres_storage.h"
#include "tests/support/temp_database.h"

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class PostgresRunRegistryTest : public testing::Test {
 protected:
  service::Run Create(const NewRun& draft) {
    const absl::StatusOr<service::Run> run = runs_.Create(draft);
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? *run : service::Run();
  }
  absl::StatusCode CodeOf(const NewRun& draft) { return runs_.Create(draft).status().code(); }
  std::vector<std::string> Ids(const RunQuery& query) {
    const absl::StatusOr<RunPage> page = runs_.List(query);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> ids;
    for (const service::Run& run : page->runs) ids.push_back(run.id);
    return ids;
  }
  void Publish(const std::string& run_id, absl::Duration ttl = absl::InfiniteDuration()) {
    NewMessage draft = {.run = {.id = run_id}, .key = "k", .value = "v"};
    draft.ttl = ttl;
    const NewMessage* drafts[] = {&draft};
    EXPECT_TRUE(storage_.log().ApplyGroup(drafts, {}).ok());
  }

  TempDatabase database_;
  PostgresStorage storage_{database_.Options(), 1000, 4};
  PostgresRunRegistry& runs_ = storage_.runs();
};

TEST_F(PostgresRunRegistryTest, ARunIsWhatWasAskedFor) {
  NewRun draft = {.project = "org/name", .id = "run-a", .title = "Ein \"Titel\" \\ 🚦"};
  draft.labels = {{"host", "läuft"}, {"", ""}, {"quote\"", "{\"a\":1}\n\x01"}};
  const service::Run created = Create(draft);
  const absl::StatusOr<service::Run> read = runs_.Get({.project = "org/name", .rank = 1});
  ASSERT_TRUE(read.ok()) << read.status();
  for (const service::Run& run : {created, *read}) {
    EXPECT_EQ(run.id, "run-a");
    EXPECT_EQ(run.project, "org/name");
    EXPECT_EQ(run.rank, 1);
    EXPECT_EQ(run.title, draft.title);
    EXPECT_EQ(run.labels, draft.labels);
    EXPECT_EQ(run.state, RunState::kActive);
    EXPECT_EQ(run.outcome, RunOutcome::kUnspecified);
    EXPECT_EQ(run.end_time, absl::InfiniteFuture());
    EXPECT_EQ(run.head_sequence, 0);
    EXPECT_EQ(run.pending_count, 0);
    EXPECT_THAT(run.keys, IsEmpty());
  }
  EXPECT_EQ(created.create_time, read->create_time);
}

TEST_F(PostgresRunRegistryTest, ARunWithoutAnIdIsGivenOne) {
  const service::Run first = Create({.project = "p"});
  const service::Run second = Create({.project = "p"});
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(runs_.Get({.id = second.id})->rank, 2);
}

TEST_F(PostgresRunRegistryTest, AClashOfMadeIdsIsTriedAgain) {
  Create({.project = "p", .id = "taken"});
  ConnectionPool pool(database_.Options(), 2);
  std::vector<std::string> ids = {"free", "taken", "taken"};
  PostgresRunRegistry unlucky(pool, 4, [&ids] {
    std::string id = ids.back();
    if (ids.size() > 1) ids.pop_back();
    return id;
  });
  EXPECT_EQ(unlucky.Create({.project = "p"})->id, "free");
  EXPECT_FALSE(unlucky.Create({.project = "p"}).ok()) << "it never takes another's run for its own";
}

TEST_F(PostgresRunRegistryTest, RanksAreDenseInEachProject) {
  EXPECT_EQ(Create({.project = "p"}).rank, 1);
  EXPECT_EQ(Create({.project = "q"}).rank, 1);
  Create({.project = "p", .id = "same"});
  EXPECT_EQ(CodeOf({.project = "p", .id = "same", .title = "other"}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(CodeOf({.project = "q", .id = "same"}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Create({.project = "p", .id = "same"}).rank, 2) << "a repeat is the same run";
  EXPECT_EQ(Create({.project = "p"}).rank, 3) << "what was refused took no rank";
  EXPECT_EQ(Create({.project = "q"}).rank, 2);
}

TEST_F(PostgresRunRegistryTest, ARefusedRunCreatesNoProject) {
  Create({.project = "p", .id = "same"});
  EXPECT_EQ(CodeOf({.project = "brand-new", .id = "same"}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(database_.Query("SELECT count(*) FROM signalbox.projects"), "1");
}

TEST_F(PostgresRunRegistryTest, ARequestIdBelongsToAProject) {
  NewRun draft = {.project = "p"};
  draft.request_id = std::string("r\0\xff", 3);
  draft.fingerprint = std::string("\0f", 2);
  const service::Run first = Create(draft);
  ASSERT_TRUE(runs_.End({.id = first.id}, RunOutcome::kCompleted).ok());
  EXPECT_EQ(Create(draft).id, first.id);
  EXPECT_EQ(Create(draft).state, RunState::kEnded) << "as it now is";
  EXPECT_EQ(Create({.project = "p"}).rank, 2) << "repeats took no rank";
  draft.fingerprint = "other";
  EXPECT_EQ(CodeOf(draft), absl::StatusCode::kAlreadyExists);
  draft.project = "q";
  EXPECT_NE(Create(draft).id, first.id);
}

TEST_F(PostgresRunRegistryTest, ConcurrentCreatesGiveDenseRanksAndOneRunForEachRequestId) {
  constexpr int kThreads = 4;
  constexpr int kEach = 15;
  std::vector<std::vector<service::Run>> made(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        NewRun draft = {.project = "p"};
        if (i % 3 == 0) {
          draft.request_id = absl::StrCat("r", i);  // the same in all threads
          draft.fingerprint = "f";
        }
        made[static_cast<size_t>(t)].push_back(Create(draft));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kEach; i += 3) {
    for (const std::vector<service::Run>& runs : made) EXPECT_EQ(runs[i].id, made[0][i].id);
  }
  constexpr int kRuns = kThreads * 10 + 5;
  EXPECT_EQ(database_.Query("SELECT count(*) || ' ' || max(rank) FROM signalbox.runs"),
            absl::StrCat(kRuns, " ", kRuns));
}

TEST_F(PostgresRunRegistryTest, ConcurrentCreatesOfOneIdAreOneRun) {
  std::vector<absl::StatusOr<service::Run>> made(6, absl::UnknownError("none"));
  std::vector<std::thread> threads;
  threads.reserve(made.size());
  for (size_t t = 0; t < made.size(); ++t) {
    threads.emplace_back(
        [&, t] { made[t] = runs_.Create({.project = t % 2 == 0 ? "p" : "q", .id = "same"}); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count_if(made.begin(), made.end(), [](const auto& run) { return run.ok(); }), 3);
  for (const auto& run : made) EXPECT_TRUE(run.ok() || absl::IsAlreadyExists(run.status())) << run.status();
  EXPECT_EQ(database_.Query("SELECT count(*) FROM signalbox.runs"), "1");
}

TEST_F(PostgresRunRegistryTest, AnUnknownRunIsNotFound) {
  EXPECT_THAT(runs_.Get({.id = "nowhere"}).status().message(), HasSubstr("nowhere"));
  EXPECT_EQ(runs_.Get({.project = "p", .rank = 438}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(runs_.End({.id = "nowhere"}, RunOutcome::kFailed).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(runs_.DeclareKeys({.id = "nowhere"}, {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PostgresRunRegistryTest, TheFirstOutcomeStays) {
  Create({.project = "p", .id = "run-a"});
  Publish("run-a");
  const absl::StatusOr<EndedRun> first = runs_.End({.id = "run-a"}, RunOutcome::kStopped);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->by_this_call);
  EXPECT_EQ(first->run.state, RunState::kEnded);
  EXPECT_EQ(first->run.outcome, RunOutcome::kStopped);
  EXPECT_EQ(first->run.pending_count, 0);
  EXPECT_EQ(first->run.head_sequence, 1);
  const absl::StatusOr<EndedRun> second = runs_.End({.project = "p", .rank = 1}, RunOutcome::kFailed);
  EXPECT_FALSE(second->by_this_call);
  EXPECT_EQ(second->run.outcome, RunOutcome::kStopped);
  EXPECT_EQ(second->run.end_time, first->run.end_time);
}

TEST_F(PostgresRunRegistryTest, CountsWhatIsPending) {
  Create({.project = "p", .id = "run-a"});
  Publish("run-a");
  Publish("run-a", absl::Microseconds(1));
  Publish("run-a", absl::Hours(1));
  EXPECT_EQ(runs_.Get({.id = "run-a"})->pending_count, 2) << "an expired one is not";
  EXPECT_EQ(runs_.Get({.id = "run-a"})->head_sequence, 3);
}

TEST_F(PostgresRunRegistryTest, ListsNewestFirstInPages) {
  for (const char* id : {"a", "b", "c", "d"}) Create({.project = *id == 'c' ? "q" : "p", .id = id});
  ASSERT_TRUE(runs_.End({.id = "b"}, RunOutcome::kFailed).ok());
  EXPECT_THAT(Ids({.limit = 10}), ElementsAre("d", "c", "b", "a"));
  EXPECT_THAT(Ids({.project = "p", .limit = 10}), ElementsAre("d", "b", "a"));
  EXPECT_THAT(Ids({.state = RunState::kActive, .limit = 10}), ElementsAre("d", "c", "a"));
  EXPECT_THAT(Ids({.project = "p", .state = RunState::kEnded, .limit = 10}), ElementsAre("b"));
  EXPECT_THAT(Ids({.project = "none", .limit = 10}), IsEmpty());
  const absl::StatusOr<RunPage> page = runs_.List({.limit = 3});
  EXPECT_THAT(page->runs, SizeIs(3));
  EXPECT_TRUE(page->more);
  RunQuery next = {.limit = 3};
  next.before_run_no = page->runs.back().run_no;
  EXPECT_THAT(Ids(next), ElementsAre("a"));
  EXPECT_FALSE(runs_.List(next)->more);
  EXPECT_FALSE(runs_.List({.limit = 4})->more);
}

TEST_F(PostgresRunRegistryTest, AllLabelsMustMatch) {
  Create({.project = "p", .id = "a", .labels = {{"host", "x"}, {"gpu", "8"}}});
  Create({.project = "p", .id = "b", .labels = {{"host", "x"}}});
  RunQuery query = {.limit = 10};
  query.labels = {{"host", "x"}};
  EXPECT_THAT(Ids(query), ElementsAre("b", "a"));
  query.labels = {{"host", "x"}, {"gpu", "8"}};
  EXPECT_THAT(Ids(query), ElementsAre("a"));
  query.labels = {{"host", "y"}};
  EXPECT_THAT(Ids(query), IsEmpty());
}

TEST_F(PostgresRunRegistryTest, DeclaredKeysAreAddedOrReplacedUpToTheLimit) {
  Create({.project = "p", .id = "run-a"});
  const RunRef run = {.id = "run-a"};
  ASSERT_TRUE(
      runs_.DeclareKeys(run, {{"lr", Kind::kSetting, "learning \"rate\""}, {"save", Kind::kCommand, ""}})
          .ok());
  absl::StatusOr<service::Run> declared =
      runs_.DeclareKeys(run, {{"save", Kind::kSetting, "now"}, {"ä b", Kind::kCommand, "x"}});
  ASSERT_TRUE(declared.ok()) << declared.status();
  ASSERT_THAT(declared->keys, SizeIs(3));
  EXPECT_EQ(declared->keys[0].description, "learning \"rate\"");
  EXPECT_EQ(declared->keys[1].key, "save");
  EXPECT_EQ(declared->keys[1].kind, Kind::kSetting);
  EXPECT_EQ(declared->keys[2].key, "ä b");
  EXPECT_TRUE(runs_.DeclareKeys(run, {{"four", Kind::kCommand, ""}}).ok()) << "exactly the limit";
  EXPECT_TRUE(runs_.DeclareKeys(run, {{"lr", Kind::kCommand, ""}}).ok()) << "replacing needs no room";
  const absl::Status refused =
      runs_.DeclareKeys(run, {{"lr", Kind::kSetting, ""}, {"five", Kind::kCommand, ""}}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.message(), HasSubstr("4"));
  declared = runs_.Get(run);
  EXPECT_THAT(declared->keys, SizeIs(4)) << "nothing of the refused call took effect";
  ASSERT_TRUE(runs_.End(run, RunOutcome::kCompleted).ok());
  EXPECT_EQ(runs_.DeclareKeys(run, {{"lr", Kind::kSetting, ""}}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(PostgresRunRegistryTest, NoKeysAreNoMistake) {
  Create({.project = "p", .id = "run-a"});
  EXPECT_TRUE(runs_.DeclareKeys({.id = "run-a"}, {}).ok());
}

}  // namespace
}  // namespace signalbox::service
