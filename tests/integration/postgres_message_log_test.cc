#include "service/postgres/postgres_message_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/integration/postgres_storage.h"
#include "tests/support/message_log_contract.h"
#include "tests/support/temp_database.h"

namespace signalbox::service {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class PostgresUnderTest final : public LogUnderTest {
 public:
  MessageLog& log() override { return storage_.log(); }
  PruningStore& pruning() override { return storage_.pruning(); }
  int64_t AddRun(const std::string& id, const std::string& project, int64_t rank) override {
    const absl::StatusOr<Run> run = storage_.runs().Create({.project = project, .id = id});
    EXPECT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(run->rank, rank);
    ids_[run->run_no] = id;
    return run->run_no;
  }
  void EndRun(int64_t run_no, RunOutcome outcome) override {
    EXPECT_TRUE(storage_.runs().End({.id = ids_[run_no]}, outcome).ok());
  }
  int64_t epoch() override { return epoch_; }
  void LetShortTtlPass() override {
    // By the clock that expiry and retention go by.
    const std::string over = database_.Query(absl::StrCat("SELECT clock_timestamp() + interval '",
                                                          2 * absl::ToInt64Milliseconds(kShortTtl), " ms'"));
    EXPECT_TRUE(Eventually(
        [&] { return database_.Query(absl::StrCat("SELECT clock_timestamp() > '", over, "'")) == "t"; }));
  }

 private:
  TempDatabase database_;
  const int64_t epoch_ = OpenConnection(database_.Options())->epoch;
  PostgresStorage storage_{database_.Options(), kContractMaxPending};
  std::map<int64_t, std::string> ids_;
};

INSTANTIATE_TEST_SUITE_P(Postgres, MessageLogContract,
                         testing::Values(MakeLog([] { return std::make_unique<PostgresUnderTest>(); })));

class PostgresMessageLogTest : public testing::Test {
 protected:
  PostgresMessageLogTest() { EXPECT_TRUE(storage_.runs().Create({.project = "p", .id = "run-a"}).ok()); }

  static NewMessage Draft(const std::string& key = "k") {
    return {.run = {.id = "run-a"}, .key = key, .value = "v"};
  }
  absl::StatusOr<GroupOutcome> Publish(const std::vector<NewMessage>& drafts) {
    return PublishAt(storage_, drafts);
  }
  static absl::StatusOr<GroupOutcome> PublishAt(PostgresStorage& storage,
                                                const std::vector<NewMessage>& drafts) {
    std::vector<const NewMessage*> pointers;
    pointers.reserve(drafts.size());
    for (const NewMessage& draft : drafts) pointers.push_back(&draft);
    return storage.log().ApplyGroup(pointers, {});
  }
  ConnectionOptions Impatient() const {
    ConnectionOptions options = database_.Options("impatient");
    options.lock_timeout = absl::Milliseconds(100);
    return options;
  }

  TempDatabase database_;
  PostgresStorage storage_{database_.Options("log"), 1000};
};

TEST_F(PostgresMessageLogTest, AThousandMayBePendingAndNotOneMore) {
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<GroupOutcome> outcome = Publish(std::vector<NewMessage>(500, Draft()));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    for (const Appended& appended : outcome->appended) EXPECT_TRUE(appended.status.ok()) << appended.status;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(Publish({Draft()})->appended[0].status));
  EXPECT_THAT(Publish({Draft()})->appended[0].status.message(), HasSubstr("1000"));
  const absl::StatusOr<PendingPage> page =
      storage_.log().ListPending({.run = {.id = "run-a"}, .limit = {.rows = 2000, .bytes = 1 << 20}});
  ASSERT_TRUE(page.ok());
  ASSERT_THAT(page->messages, SizeIs(1000));
  ASSERT_TRUE(storage_.log().Cancel(page->messages[500]->id, "").ok());
  const absl::StatusOr<GroupOutcome> two = Publish({Draft(), Draft()});
  EXPECT_TRUE(two->appended[0].status.ok());
  EXPECT_TRUE(absl::IsResourceExhausted(two->appended[1].status));
}

TEST_F(PostgresMessageLogTest, WithSettingsAFullGroupIsDecidedOneByOne) {
  NewMessage setting = Draft("lr");
  setting.kind = Kind::kSetting;
  ASSERT_TRUE(Publish({setting}).ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Publish(std::vector<NewMessage>(500, Draft())).ok());
  const absl::StatusOr<GroupOutcome> group = Publish({setting, Draft()});
  ASSERT_TRUE(group.ok());
  EXPECT_TRUE(absl::IsAborted(group->appended[0].status)) << group->appended[0].status;
  EXPECT_TRUE(Publish({setting})->appended[0].status.ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Publish({Draft()})->appended[0].status));
}

TEST_F(PostgresMessageLogTest, ADeclaredKindIsUsedWhenNoneIsGiven) {
  ASSERT_TRUE(storage_.runs().DeclareKeys({.id = "run-a"}, {{"lr", Kind::kSetting, ""}}).ok());
  NewMessage command = Draft("lr");
  command.kind = Kind::kCommand;
  const absl::StatusOr<GroupOutcome> outcome = Publish({Draft("lr"), Draft("k"), command, Draft("lr")});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->appended[0].message->kind, Kind::kSetting);
  EXPECT_EQ(outcome->appended[1].message->kind, Kind::kCommand);
  EXPECT_EQ(outcome->appended[2].message->kind, Kind::kCommand);
  EXPECT_THAT(outcome->appended[3].superseded, SizeIs(1));
}

// Once a run's number is known, a group of commands goes another way, which must not show.
TEST_F(PostgresMessageLogTest, CommandsToKnownRunsAreStoredLikeAnyOther) {
  ASSERT_TRUE(storage_.runs().Create({.project = "p", .id = "run-b"}).ok());
  NewMessage to_b = Draft("b");
  to_b.run.id = "run-b";
  to_b.ttl = absl::Hours(24 * 365 * 5000);
  NewMessage repeatable = Draft("r");
  repeatable.request_id = "id";
  repeatable.fingerprint = "f";
  repeatable.reason = "because";
  repeatable.publisher = "somebody";
  ASSERT_TRUE(Publish({Draft(), to_b}).ok());
  const absl::StatusOr<GroupOutcome> outcome = Publish({Draft(), to_b, repeatable, Draft()});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  ASSERT_THAT(outcome->changes, SizeIs(2));
  EXPECT_EQ(outcome->changes[0].from, (Position{1, 0}));
  EXPECT_EQ(outcome->changes[0].to.sequence, 4);
  EXPECT_EQ(outcome->changes[0].to.mark, outcome->appended[3].message->id.nonce);
  EXPECT_THAT(outcome->changes[0].messages, SizeIs(3));
  std::vector<MessageId> ids;
  for (const Appended& appended : outcome->appended) ids.push_back(appended.message->id);
  const absl::StatusOr<std::vector<MessagePtr>> stored = storage_.log().ReadMessages(ids);
  ASSERT_TRUE(stored.ok()) << stored.status();
  ASSERT_THAT(*stored, SizeIs(4));
  for (const MessagePtr& message : *stored) {
    const auto told = std::ranges::find_if(
        outcome->appended, [&](const Appended& appended) { return appended.message->id == message->id; });
    ASSERT_NE(told, outcome->appended.end());
    EXPECT_EQ(told->message->run_id, message->run_id);
    EXPECT_EQ(told->message->key, message->key);
    EXPECT_EQ(told->message->create_time, message->create_time);
    EXPECT_EQ(told->message->expire_time, message->expire_time);
    EXPECT_EQ(told->message->reason, message->reason);
    EXPECT_EQ(told->message->publisher, message->publisher);
    EXPECT_EQ(told->message->state, message->state);
    EXPECT_EQ(told->message->kind, message->kind);
  }
  const absl::StatusOr<GroupOutcome> again = Publish({repeatable, Draft()});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->appended[0].message->id, outcome->appended[2].message->id);
  EXPECT_EQ(again->appended[1].message->id.sequence, 5);
}

// A command that has a group of its own goes yet another way, and so does an ack.
TEST_F(PostgresMessageLogTest, WhatIsAloneIsStoredLikeAnyOther) {
  ASSERT_TRUE(Publish({Draft()}).ok()) << "from now on the run is known";
  NewMessage full = Draft("r");
  full.value = std::string("\0v\\", 3);
  full.request_id = std::string("\0id", 3);
  full.fingerprint = "f";
  full.reason = "because, \"so\"";
  full.publisher = "somebody\\";
  full.ttl = absl::Hours(24 * 365 * 5000);
  for (const NewMessage& draft : {full, Draft()}) {
    const absl::StatusOr<GroupOutcome> outcome = Publish({draft});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    const Message& told = *outcome->appended[0].message;
    const absl::StatusOr<std::vector<MessagePtr>> stored = storage_.log().ReadMessages({told.id});
    ASSERT_THAT(*stored, SizeIs(1));
    const Message& message = *stored->front();
    EXPECT_EQ(message.run_id, told.run_id);
    EXPECT_EQ(message.key, draft.key);
    EXPECT_EQ(message.value, draft.value);
    EXPECT_EQ(message.reason, draft.reason);
    EXPECT_EQ(message.publisher, draft.publisher);
    EXPECT_EQ(message.create_time, told.create_time);
    EXPECT_EQ(message.expire_time, told.expire_time);
    EXPECT_EQ(message.expire_time == absl::InfiniteFuture(), draft.ttl == absl::InfiniteDuration());
    EXPECT_EQ(message.state, MessageState::kPending);
    EXPECT_EQ(message.kind, Kind::kCommand);
    const AckCall call = {.ids = {told.id},
                          .consumer = "w",
                          .outcome = AckOutcome::kFailed,
                          .reply = std::string("\0r", 2),
                          .error = "e",
                          .step = 7};
    const AckCall* calls[] = {&call};
    const absl::StatusOr<GroupOutcome> acked = storage_.log().ApplyGroup({}, calls);
    ASSERT_TRUE(acked.ok()) << acked.status();
    const Message& settled = *acked->acked[0].messages.at(0);
    EXPECT_EQ(settled.id, told.id);
    EXPECT_EQ(settled.run_id, told.run_id);
    EXPECT_EQ(settled.state, MessageState::kFailed);
    EXPECT_EQ(settled.consumer, call.consumer);
    EXPECT_EQ(settled.reply, call.reply);
    EXPECT_EQ(settled.error, call.error);
    EXPECT_EQ(settled.step, call.step);
    EXPECT_EQ(settled.change, told.id.sequence - 1);
    EXPECT_THAT(acked->changes, SizeIs(1));
    const AckCall other = {.ids = {told.id}, .consumer = "other"};
    const AckCall* others[] = {&other};
    EXPECT_EQ(storage_.log().ApplyGroup({}, others)->acked[0].messages.at(0)->consumer, "w");
  }
}

// Whatever needs judging is judged.
TEST_F(PostgresMessageLogTest, WhatIsAloneIsJudgedLikeAnyOther) {
  NewMessage first = Draft();
  first.request_id = "id";
  first.fingerprint = "f";
  const absl::StatusOr<GroupOutcome> stored = Publish({first});
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(Publish({first})->appended[0].message->id, stored->appended[0].message->id);
  NewMessage other = first;
  other.fingerprint = "g";
  EXPECT_TRUE(absl::IsAlreadyExists(Publish({other})->appended[0].status));
  ASSERT_TRUE(storage_.runs().DeclareKeys({.id = "run-a"}, {{"lr", Kind::kSetting, ""}}).ok());
  EXPECT_EQ(Publish({Draft("lr")})->appended[0].message->kind, Kind::kSetting);
  EXPECT_THAT(Publish({Draft("lr")})->appended[0].superseded, SizeIs(1));
  NewMessage command = Draft("lr");
  command.kind = Kind::kCommand;
  EXPECT_EQ(Publish({command})->appended[0].message->kind, Kind::kCommand);
  const AckCall unknown = {.ids = {{1, 1, 1}}, .consumer = "w"};
  const AckCall* acks[] = {&unknown};
  EXPECT_TRUE(absl::IsNotFound(storage_.log().ApplyGroup({}, acks)->acked[0].status));
  ASSERT_TRUE(storage_.runs().End({.id = "run-a"}, RunOutcome::kCompleted).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Publish({Draft()})->appended[0].status));
  EXPECT_EQ(Publish({first})->appended[0].message->id, stored->appended[0].message->id);
}

TEST_F(PostgresMessageLogTest, KeepsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  NewMessage draft = Draft();
  draft.value = bytes + bytes;
  draft.request_id = bytes.substr(0, 128);
  draft.fingerprint = bytes.substr(128);
  const MessageId id = Publish({draft})->appended[0].message->id;
  EXPECT_EQ(storage_.log().ReadMessages({id}).value()[0]->value, draft.value);
  EXPECT_EQ(Publish({draft})->appended[0].message->id, id);
  EXPECT_EQ(storage_.log().ListPending({.run = {.id = "run-a"}, .limit = kLargePage})->messages[0]->value,
            draft.value);
}

TEST_F(PostgresMessageLogTest, AValueOfTheLargestSizeFits) {
  NewMessage draft = Draft();
  draft.value = std::string(64 << 10, '\xff');
  const absl::StatusOr<GroupOutcome> outcome = Publish(std::vector<NewMessage>(20, draft));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  const absl::StatusOr<PendingPage> page =
      storage_.log().ListPending({.run = {.id = "run-a"}, .limit = {.rows = 1000, .bytes = 1 << 20}});
  EXPECT_THAT(page->messages, SizeIs(16));
  EXPECT_TRUE(page->more);
}

TEST_F(PostgresMessageLogTest, ARequestIdTwiceInOneGroupFailsAsAWhole) {
  NewMessage by_id = Draft();
  by_id.request_id = "r";
  NewMessage by_rank = by_id;
  by_rank.run = {.project = "p", .rank = 1};
  EXPECT_FALSE(Publish({by_id, by_rank}).ok()) << "the writer then tries them one by one";
  EXPECT_EQ(Publish({by_id})->appended[0].message->id.sequence, 1);
  EXPECT_EQ(Publish({by_rank})->appended[0].message->id.sequence, 1);
}

TEST_F(PostgresMessageLogTest, AHeldLockIsGivenUpAndDidNotHappen) {
  PostgresStorage impatient(Impatient(), 1000);
  pqxx::connection holder(database_.Options().url);
  pqxx::work transaction(holder);
  transaction.exec("SELECT 1 FROM signalbox.runs FOR UPDATE");
  EXPECT_TRUE(absl::IsAborted(PublishAt(impatient, {Draft()}).status()));
  EXPECT_TRUE(absl::IsAborted(impatient.log().Cancel({1, 1, 1}, "").status()));
  EXPECT_TRUE(impatient.log().FindRun({.id = "run-a"}).ok()) << "readers wait for nobody";
  EXPECT_TRUE(impatient.log().ListPending({.run = {.id = "run-a"}, .limit = kLargePage}).ok());
  transaction.abort();
  EXPECT_EQ(PublishAt(impatient, {Draft()})->appended[0].message->id.sequence, 1);
}

TEST_F(PostgresMessageLogTest, ExpiryPassesOverARunThatSomebodyHolds) {
  NewMessage draft = Draft();
  draft.ttl = absl::Microseconds(1);
  ASSERT_TRUE(Publish({draft}).ok());
  {
    pqxx::connection holder(database_.Options().url);
    pqxx::work transaction(holder);
    transaction.exec("SELECT 1 FROM signalbox.runs FOR UPDATE");
    EXPECT_THAT(*storage_.log().Expire(100), SizeIs(0));
  }
  EXPECT_THAT(*storage_.log().Expire(100), SizeIs(1));
}

// As when writers hand the run on to each other: it is never free at the moment somebody looks.
TEST_F(PostgresMessageLogTest, ExpiryWaitsForARunThatIsNeverFree) {
  NewMessage draft = Draft();
  draft.ttl = absl::Microseconds(1);
  ASSERT_TRUE(Publish({draft}).ok());
  database_.Query("UPDATE signalbox.messages SET expire_time = expire_time - interval '1 minute'");
  const auto is_waited_for = [this] {
    return database_.Query(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
               "AND datname = current_database()") == "1";
  };
  size_t expired = 0;
  EXPECT_TRUE(Eventually([&] {  // again when a slow machine let the wait run into its limit
    pqxx::connection holder(database_.Options().url);
    pqxx::work transaction(holder);
    transaction.exec("SELECT 1 FROM signalbox.runs FOR UPDATE");
    std::thread sweep([&] { expired = storage_.log().Expire(100)->size(); });
    const bool waited = Eventually(is_waited_for, absl::Milliseconds(500));
    transaction.abort();
    sweep.join();
    return waited && expired == 1;
  }));
}

class PostgresPruningTest : public PostgresMessageLogTest {
 protected:
  static constexpr Retention kNothing = {.ended_runs = absl::Microseconds(1),
                                         .finished_messages = absl::Microseconds(1)};

  void PublishFinished(int count) {
    std::vector<NewMessage> drafts(static_cast<size_t>(count), Draft());
    for (NewMessage& draft : drafts) draft.ttl = absl::Microseconds(1);
    ASSERT_TRUE(Publish(drafts).ok());
    ASSERT_TRUE(storage_.log().Expire(1000).ok());
  }
  absl::StatusOr<int64_t> Prune(int rows = 1000) {
    return storage_.pruning().Prune(1, kNothing, {.rows = rows, .bytes = 1 << 20});
  }
};

TEST_F(PostgresPruningTest, ARunThatSomebodyHoldsIsLeftForLater) {
  PublishFinished(3);
  {
    pqxx::connection holder(database_.Options().url);
    pqxx::work transaction(holder);
    transaction.exec("SELECT 1 FROM signalbox.runs FOR UPDATE");
    EXPECT_TRUE(absl::IsAborted(Prune().status()));
  }
  EXPECT_EQ(*Prune(), 3);
}

TEST_F(PostgresPruningTest, OneSessionPrunesAtATime) {
  PublishFinished(3);
  {
    pqxx::connection other(database_.Options().url);
    pqxx::work transaction(other);
    transaction.exec("SELECT pg_advisory_xact_lock(1936158316, 1)");
    EXPECT_TRUE(absl::IsAborted(Prune().status()));
  }
  EXPECT_EQ(*Prune(), 3);
}

// Readers ask again and again from a place that is overtaken by the floor: they see everything after it,
// or are told.
TEST_F(PostgresPruningTest, AReaderNeverSeesHalfOfIt) {
  constexpr int kMessages = 400;
  ASSERT_TRUE(Publish(std::vector<NewMessage>(kMessages, Draft())).ok());
  const RunInfo info = *storage_.log().FindRun({.id = "run-a"});
  const Cursor from = {info.epoch, info.run_no, {kMessages, 0}};
  database_.Query("UPDATE signalbox.messages SET state = 6, change = sequence, finish_time = now()");
  std::atomic<bool> done = false;
  std::thread pruner([&] {
    for (int rest = kMessages; rest > 0;) {
      const absl::StatusOr<int64_t> rows = Prune(3);
      ASSERT_TRUE(rows.ok()) << rows.status();
      rest -= static_cast<int>(*rows);
    }
    done = true;
  });
  absl::StatusOr<RunChanges> changes = storage_.log().ReadChanges(from, kLargePage);
  while (changes.ok() && !done) {
    EXPECT_THAT(changes->withdrawals, SizeIs(kMessages));
    changes = storage_.log().ReadChanges(from, kLargePage);
  }
  pruner.join();
  EXPECT_TRUE(absl::IsOutOfRange(storage_.log().ReadChanges(from, kLargePage).status()));
}

TEST_F(PostgresPruningTest, PublishesToARunThatGoesAreRefusedAndDisturbNobody) {
  for (int round = 0; round < 10; ++round) {
    const std::string name = absl::StrCat("brief-", round);
    const int64_t run_no = storage_.runs().Create({.project = "p", .id = name})->run_no;
    ASSERT_TRUE(storage_.runs().End({.id = name}, RunOutcome::kCompleted).ok());
    std::thread pruner(
        [&] { EXPECT_EQ(*storage_.pruning().Prune(run_no, kNothing, {.rows = 10, .bytes = 1 << 20}), 1); });
    absl::StatusCode code = absl::StatusCode::kOk;
    while (code != absl::StatusCode::kNotFound) {
      NewMessage to_brief = Draft();
      to_brief.run.id = name;
      const absl::StatusOr<GroupOutcome> outcome = Publish({to_brief, Draft()});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      EXPECT_TRUE(outcome->appended[1].status.ok()) << outcome->appended[1].status;
      code = outcome->appended[0].status.code();
      EXPECT_TRUE(code == absl::StatusCode::kFailedPrecondition || code == absl::StatusCode::kNotFound)
          << code;
    }
    pruner.join();
  }
}

TEST_F(PostgresPruningTest, AnIdThatNamesAnotherRunByNowIsNoticed) {
  const absl::StatusOr<GroupOutcome> before = Publish({Draft()});
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(storage_.runs().End({.id = "run-a"}, RunOutcome::kCompleted).ok());
  while (*Prune() > 0) continue;
  EXPECT_TRUE(absl::IsNotFound(Publish({Draft()})->appended[0].status));
  ASSERT_TRUE(storage_.runs().Create({.project = "p", .id = "run-a"}).ok());
  for (int64_t sequence = 1; sequence <= 2; ++sequence) {
    const absl::StatusOr<GroupOutcome> after = Publish({Draft()});
    ASSERT_TRUE(after.ok()) << after.status();
    EXPECT_NE(after->appended[0].message->id.run_no, before->appended[0].message->id.run_no);
    EXPECT_EQ(after->appended[0].message->id.sequence, sequence);
  }
}

// The commit that takes the run away comes between a publish's look-up and its lock.
TEST_F(PostgresPruningTest, ARunThatGoesBeforeTheLockIsNotFound) {
  pqxx::connection other(database_.Options().url);
  pqxx::work transaction(other);
  transaction.exec("DELETE FROM signalbox.runs");
  absl::StatusOr<GroupOutcome> outcome = GroupOutcome();
  std::thread writer([&] { outcome = Publish({Draft()}); });
  EXPECT_TRUE(Eventually([&] {
    return database_.Query("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1";
  }));
  transaction.commit();
  writer.join();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(absl::IsNotFound(outcome->appended[0].status)) << outcome->appended[0].status;
}

TEST_F(PostgresMessageLogTest, LostConnectionsAreReplaced) {
  ASSERT_TRUE(Publish({Draft()}).ok());
  ASSERT_TRUE(storage_.log().FindRun({.id = "run-a"}).ok());
  EXPECT_EQ(database_.Terminate("log"), 2);
  EXPECT_TRUE(absl::IsUnavailable(Publish({Draft()}).status()));
  EXPECT_TRUE(absl::IsUnavailable(storage_.log().FindRun({.id = "run-a"}).status()));
  EXPECT_EQ(Publish({Draft()})->appended[0].message->id.sequence, 2) << "the failed one did not happen";
  EXPECT_TRUE(storage_.log().FindRun({.id = "run-a"}).ok());
}

TEST_F(PostgresMessageLogTest, AConnectionLostDuringAWriteIsInDoubt) {
  ConnectionOptions options = database_.Options("victim");
  options.lock_timeout = absl::Seconds(30);
  options.statement_timeout = absl::Seconds(30);
  PostgresStorage victim(options, 1000);
  pqxx::connection holder(database_.Options().url);
  pqxx::work transaction(holder);
  transaction.exec("SELECT 1 FROM signalbox.runs FOR UPDATE");
  absl::Status status;
  std::thread writer([&] { status = PublishAt(victim, {Draft()}).status(); });
  EXPECT_TRUE(Eventually([&] {
    return database_.Query(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
               "application_name = 'victim'") == "1";
  }));
  EXPECT_EQ(database_.Terminate("victim"), 1);
  writer.join();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  transaction.abort();
  EXPECT_TRUE(PublishAt(victim, {Draft()}).ok());
}

TEST_F(PostgresMessageLogTest, GroupsThatPublishAndAckInOppositeRunsDoNotDeadlock) {
  ASSERT_TRUE(storage_.runs().Create({.project = "p", .id = "run-b"}).ok());
  const auto cross = [this](const std::string& publish_to, const std::string& ack_in) {
    PostgresStorage storage(database_.Options(), 100000);
    for (int i = 0; i < 25; ++i) {
      NewMessage draft = {.run = {.id = ack_in}, .key = "k", .value = "v"};
      const NewMessage* first[] = {&draft};
      const absl::StatusOr<GroupOutcome> published = storage.log().ApplyGroup(first, {});
      ASSERT_TRUE(published.ok()) << published.status();
      const AckCall call = {.ids = {published->appended[0].message->id}, .consumer = "w"};
      const AckCall* calls[] = {&call};
      NewMessage other = {.run = {.id = publish_to}, .key = "k", .value = "v"};
      const NewMessage* second[] = {&other};
      const absl::StatusOr<GroupOutcome> both = storage.log().ApplyGroup(second, calls);
      ASSERT_TRUE(both.ok()) << both.status();
    }
  };
  std::thread one([&] { cross("run-a", "run-b"); });
  std::thread two([&] { cross("run-b", "run-a"); });
  one.join();
  two.join();
}

}  // namespace
}  // namespace signalbox::service
