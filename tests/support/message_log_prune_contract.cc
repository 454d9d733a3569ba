#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/support/message_log_contract.h"

// What pruning takes away, what it leaves, and what those are told who are behind.

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<int64_t> DueRunsOf(PruningStore& pruning, const Retention& retention, int64_t after = 0,
                               int limit = 100) {
  return pruning.FindDueRuns(retention, after, limit)->run_nos;
}

TEST_P(MessageLogContract, TakesTheFinishedOnesThatTheRunBeginsWith) {
  const std::vector<MessageId> ids = PublishSome(5);
  Ack(Call({ids[0], ids[1], ids[3]}, "w", AckOutcome::kApplied));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(), 2);
  EXPECT_THAT(Kept(), ElementsAre(5, 4, 3)) << "the third is pending, and keeps the fourth";
  EXPECT_EQ(Prune(), 0);
  EXPECT_THAT(*log().ReadMessages({ids[0], ids[3]}), SizeIs(1));
  EXPECT_TRUE(absl::IsNotFound(Ack(Call({ids[0]}, "w")).status));
  EXPECT_TRUE(absl::IsNotFound(log().Cancel(ids[1], "").status()));
}

TEST_P(MessageLogContract, AClaimWithoutAnOutcomeStays) {
  const std::vector<MessageId> ids = PublishSome(2);
  Ack(Call(ids, "w"));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(), 0);
  Ack(Call({ids[0]}, "w", AckOutcome::kFailed));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(), 1);
  EXPECT_THAT(Kept(), ElementsAre(2));
}

TEST_P(MessageLogContract, EveryFinalStateGoes) {
  Apply({SettingDraft("run-a", "s")});
  Apply({SettingDraft("run-a", "s")});
  ASSERT_TRUE(log().Cancel(PublishedId(SettingDraft("run-a", "s")), "").ok());
  Apply({ShortLived(Draft("run-a", "k"))});
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(), 3) << "the expiry is not written down yet";
  ASSERT_TRUE(log().Expire(100).ok());
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(), 1);
}

TEST_P(MessageLogContract, WhatIsYoungStays) {
  const std::vector<MessageId> ids = PublishSome(2);
  Ack(Call(ids, "w", AckOutcome::kApplied));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune({.ended_runs = kShortTtl, .finished_messages = absl::Hours(1)}), 0);
  EXPECT_EQ(Prune({.ended_runs = kShortTtl}), 0) << "infinite: for ever";
  under_test_->EndRun(run_no_, RunOutcome::kCompleted);
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune({.ended_runs = absl::Hours(1)}), 0);
  EXPECT_EQ(Prune({}), 0);
  EXPECT_THAT(Kept(), ElementsAre(2, 1));
}

TEST_P(MessageLogContract, BatchesAreBoundedByRowsAndByBytes) {
  Ack(Call(PublishSome(6, std::string(100, 'x')), "w", AckOutcome::kApplied));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(kAll, {.rows = 2, .bytes = 1 << 20}), 2);
  EXPECT_EQ(Prune(kAll, {.rows = 100, .bytes = 150}), 2) << "the one that reaches the limit goes";
  EXPECT_EQ(Prune(kAll, {.rows = 100, .bytes = 1}), 1) << "the first always goes";
  EXPECT_EQ(Prune(), 1);
}

TEST_P(MessageLogContract, SequencesAndChangesGoOn) {
  const std::vector<MessageId> ids = PublishSome(3);
  Ack(Call(ids, "w", AckOutcome::kApplied));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(), 3);
  EXPECT_THAT(Kept(), IsEmpty());
  EXPECT_EQ(Changes({3, 3}).head, (Position{3, 3}));
  EXPECT_EQ((*log().ReadHeads({run_no_}))[0].head, (Position{3, 3}));
  EXPECT_EQ(PublishedId(Draft("run-a", "k")).sequence, 4);
  EXPECT_EQ(Changes({3, 3}).to, (Position{4, 3}));
}

TEST_P(MessageLogContract, ACursorBelowTheFloorIsOutOfRange) {
  const std::vector<MessageId> ids = PublishSome(4);
  Ack(Call({ids[3]}, "w", AckOutcome::kApplied));
  Ack(Call({ids[0], ids[1]}, "w", AckOutcome::kApplied));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(), 2);
  EXPECT_EQ(CodeAt({1, 3}), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeAt({2, 2}), absl::StatusCode::kOutOfRange) << "the withdrawal of the second is gone";
  EXPECT_EQ(CodeAt({4, 1}), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeAt({2, 3}), absl::StatusCode::kOk) << "at the floor nothing is missing";
  EXPECT_EQ(CodeAt({4, 3}), absl::StatusCode::kOk);
  EXPECT_THAT(SequencesOf(Changes({0, 0}).messages), ElementsAre(3)) << "who starts afresh misses nothing";
  EXPECT_THAT(SequencesOf(Changes({2, 3, ids[1].nonce}).messages), ElementsAre(3));
}

TEST_P(MessageLogContract, ARequestIdIsKeptAsLongAsItsMessage) {
  NewMessage draft = Draft("run-a", "k");
  draft.request_id = "r";
  draft.fingerprint = "f";
  const MessageId first = PublishedId(draft);
  Ack(Call({first}, "w", AckOutcome::kApplied));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(PublishedId(draft), first);
  EXPECT_EQ(Prune(), 1);
  const MessageId second = PublishedId(draft);
  EXPECT_EQ(second.sequence, 2);
  EXPECT_EQ(PublishedId(draft), second);
}

TEST_P(MessageLogContract, PagesOfHistoryEndAtTheFloor) {
  Ack(Call(PublishSome(6), "w", AckOutcome::kApplied));
  HistoryQuery query = {.run = {.id = "run-a"}, .limit = {.rows = 2, .bytes = 1 << 20}};
  EXPECT_THAT(SequencesOf(log().ListHistory(query)->messages), ElementsAre(6, 5));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Prune(kAll, {.rows = 3, .bytes = 1 << 20}), 3);
  query.before = 5;
  const absl::StatusOr<HistoryPage> page = log().ListHistory(query);
  EXPECT_THAT(SequencesOf(page->messages), ElementsAre(4));
  EXPECT_FALSE(page->more);
}

TEST_P(MessageLogContract, AnEndedRunGoesWithEverything) {
  const std::vector<MessageId> ids = PublishSome(3);
  Ack(Call({ids[1]}, "w"));
  under_test_->EndRun(run_no_, RunOutcome::kStopped);
  under_test_->LetShortTtlPass();
  EXPECT_THAT(*pruning().FindEndedRuns(kAll, 10), ElementsAre(run_no_));
  EXPECT_EQ(Prune(kAll, {.rows = 2, .bytes = 1 << 20}), 2) << "what is claimed does not stay";
  EXPECT_THAT(Kept(), ElementsAre(3));
  EXPECT_EQ(CodeAt({1, 0}), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Changes({0, 0}).ended, RunOutcome::kStopped);
  EXPECT_EQ(Prune(), 1);
  EXPECT_EQ(Prune(), 1) << "the run itself";
  EXPECT_EQ(Prune(), 0);
  EXPECT_THAT(*pruning().FindEndedRuns(kAll, 10), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(log().FindRun({.id = "run-a"}).status()));
  EXPECT_TRUE(absl::IsNotFound(Publish(Draft("run-a", "k")).status));
  EXPECT_EQ(CodeAt({3, 3}), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(*log().ReadHeads({run_no_}), IsEmpty());
  EXPECT_THAT(*log().ReadMessages(ids), IsEmpty());
}

TEST_P(MessageLogContract, ANewRunOfTheSameIdIsAnother) {
  const MessageId old = PublishedId(Draft("run-a", "k"));
  under_test_->EndRun(run_no_, RunOutcome::kCompleted);
  under_test_->LetShortTtlPass();
  while (Prune() > 0) continue;
  const int64_t again = under_test_->AddRun("run-a", "p", 2);
  EXPECT_NE(again, run_no_);
  EXPECT_EQ(PublishedId(Draft("run-a", "k")).sequence, 1);
  EXPECT_THAT(*log().ReadMessages({old}), IsEmpty());
}

TEST_P(MessageLogContract, RunsThatAreDueAreFoundInTurn) {
  const int64_t other = under_test_->AddRun("run-b", "p", 2);
  const int64_t third = under_test_->AddRun("run-c", "p", 3);
  const int64_t ended = under_test_->AddRun("run-d", "p", 4);
  for (const char* run : {"run-a", "run-c", "run-d"}) {
    Ack(Call({PublishedId(Draft(run, "k"))}, "w", AckOutcome::kApplied));
  }
  PublishedId(Draft("run-b", "k"));
  under_test_->EndRun(ended, RunOutcome::kCompleted);
  under_test_->LetShortTtlPass();
  EXPECT_THAT(DueRunsOf(pruning(), kAll), ElementsAre(run_no_, third));
  EXPECT_THAT(DueRunsOf(pruning(), {.finished_messages = absl::Hours(1)}), IsEmpty());
  EXPECT_THAT(DueRunsOf(pruning(), {}), IsEmpty());
  EXPECT_THAT(DueRunsOf(pruning(), kAll, run_no_), ElementsAre(third));
  EXPECT_THAT(DueRunsOf(pruning(), kAll, run_no_, 1), IsEmpty());
  EXPECT_EQ(pruning().FindDueRuns(kAll, run_no_, 1)->next, other);
  EXPECT_EQ(pruning().FindDueRuns(kAll, other, 100)->next, 0);
  EXPECT_EQ(Prune(), 1);
  EXPECT_THAT(DueRunsOf(pruning(), kAll), ElementsAre(third));
  EXPECT_THAT(*pruning().FindEndedRuns({.ended_runs = absl::Hours(1)}, 10), IsEmpty());
  EXPECT_THAT(*pruning().FindEndedRuns({}, 10), IsEmpty());
}

// However publishes, acks and pruning mix, whoever follows the changes either knows exactly what is
// pending or is told to start afresh.
TEST_P(MessageLogContract, AFollowerKnowsWhatIsPendingOrIsTold) {
  const unsigned seed = 20261123;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto draw = [&random](size_t below) { return static_cast<size_t>(random() % below); };
  std::vector<MessageId> all;
  std::vector<int64_t> known;
  Position at;
  int told = 0;
  int resumed = 0;
  for (int round = 0; round < 150; ++round) {
    for (size_t i = draw(3); i > 0; --i) {
      const Appended appended = Publish(draw(2) == 0 ? Draft("run-a", "k") : SettingDraft("run-a", "s"));
      if (appended.status.ok()) all.push_back(appended.message->id);
    }
    // Mostly the older ones, so that there is something to prune.
    if (!all.empty()) Ack(Call({all[draw(std::min<size_t>(all.size(), 8))]}, "w", AckOutcome::kApplied));
    under_test_->LetShortTtlPass();
    if (draw(3) == 0) Prune(kAll, {.rows = 1 + static_cast<int>(draw(3)), .bytes = 1 << 20});
    std::erase_if(all, [this](const MessageId& id) { return log().ReadMessages({id})->empty(); });
    if (draw(4) != 0) continue;
    const absl::StatusOr<RunChanges> changes =
        log().ReadChanges({under_test_->epoch(), run_no_, at}, kLargePage);
    if (absl::IsOutOfRange(changes.status())) {
      ++told;
      at = {};
      known.clear();
      continue;
    }
    ASSERT_TRUE(changes.ok()) << changes.status();
    ++resumed;
    for (const Withdrawal& gone : changes->withdrawals) std::erase(known, gone.id.sequence);
    for (const MessagePtr& message : changes->messages) known.push_back(message->id.sequence);
    at = changes->to;
    ASSERT_EQ(known, Pending("run-a")) << "in round " << round;
  }
  EXPECT_GT(told, 0);
  EXPECT_GT(resumed, told);
}

}  // namespace
}  // namespace signalbox::service
