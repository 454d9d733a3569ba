#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/message_log_contract.h"

// What readers see: pages of what is pending and of history, and changes since a position.

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(MessageLogContract, FindsARunByIdAndByRank) {
  const absl::StatusOr<RunInfo> by_id = log().FindRun({.id = "run-a"});
  const absl::StatusOr<RunInfo> by_rank = log().FindRun({.project = "p", .rank = 1});
  ASSERT_TRUE(by_id.ok() && by_rank.ok());
  EXPECT_EQ(by_id->run_no, run_no_);
  EXPECT_EQ(by_rank->run_no, run_no_);
  EXPECT_EQ(by_rank->id, "run-a");
  EXPECT_EQ(by_id->epoch, under_test_->epoch());
  EXPECT_TRUE(absl::IsNotFound(log().FindRun({.id = "p"}).status()));
  EXPECT_TRUE(absl::IsNotFound(log().FindRun({.project = "p", .rank = 2}).status()));
}

TEST_P(MessageLogContract, ReadPendingTellsTheOldestOfAKeyAndHowMany) {
  EXPECT_EQ(log().ReadPending({.id = "run-a"}, "k")->oldest, nullptr);
  EXPECT_EQ(log().ReadPending({.id = "run-a"}, "k")->count, 0);
  Apply({ShortLived(Draft("run-a", "k")), Draft("run-a", "other"), Draft("run-a", "k"), Draft("run-a", "k")});
  under_test_->LetShortTtlPass();
  const absl::StatusOr<PendingOfKey> pending = log().ReadPending({.id = "run-a"}, "k");
  ASSERT_TRUE(pending.ok()) << pending.status();
  EXPECT_EQ(pending->oldest->id.sequence, 3);
  EXPECT_EQ(pending->oldest->run_id, "run-a");
  EXPECT_EQ(pending->count, 2);
  EXPECT_TRUE(absl::IsNotFound(log().ReadPending({.id = "nowhere"}, "k").status()));
}

TEST_P(MessageLogContract, ListPendingSelectsByKeyAndRange) {
  const MessageId first = PublishedId(Draft("run-a", "a"));
  Apply({Draft("run-a", "b"), Draft("run-a", "c"), ShortLived(Draft("run-a", "a")), Draft("run-a", "a")});
  under_test_->LetShortTtlPass();
  Ack(Call({first}, "w"));
  PendingQuery query = {.run = {.project = "p", .rank = 1}, .limit = kLargePage};
  absl::StatusOr<PendingPage> page = log().ListPending(query);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(SequencesOf(page->messages), ElementsAre(2, 3, 5));
  EXPECT_EQ(page->head, (Position{5, 1}));
  EXPECT_EQ(page->run.id, "run-a");
  EXPECT_FALSE(page->more);
  query.keys = {"a", "c"};
  EXPECT_THAT(SequencesOf(log().ListPending(query)->messages), ElementsAre(3, 5));
  query.after = 3;
  EXPECT_THAT(SequencesOf(log().ListPending(query)->messages), ElementsAre(5));
  query.keys = {};
  query.after = 2;
  query.up_to = 4;
  EXPECT_THAT(SequencesOf(log().ListPending(query)->messages), ElementsAre(3));
  query.keys = {"none"};
  EXPECT_THAT(log().ListPending(query)->messages, IsEmpty());
  EXPECT_EQ(log().ListPending(query)->head, (Position{5, 1})) << "also of an empty page";
}

TEST_P(MessageLogContract, PagesOfPendingAreCutByRowsAndByBytes) {
  Apply(std::vector<NewMessage>(7, Draft("run-a", "k", std::string(100, 'x'))));
  PendingQuery query = {.run = {.id = "run-a"}, .limit = {.rows = 3, .bytes = 1 << 20}};
  EXPECT_THAT(SequencesOf(log().ListPending(query)->messages), ElementsAre(1, 2, 3));
  EXPECT_TRUE(log().ListPending(query)->more);
  query.after = 4;
  EXPECT_THAT(SequencesOf(log().ListPending(query)->messages), ElementsAre(5, 6, 7));
  EXPECT_FALSE(log().ListPending(query)->more) << "the page is full, but nothing follows";

  query = {.run = {.id = "run-a"}, .limit = {.rows = 100, .bytes = 250}};
  EXPECT_THAT(log().ListPending(query)->messages, SizeIs(3)) << "the page that reaches the limit is full";
  EXPECT_TRUE(log().ListPending(query)->more);
  query.limit.bytes = 1;
  EXPECT_THAT(log().ListPending(query)->messages, SizeIs(1)) << "the first always fits";
}

TEST_P(MessageLogContract, HistoryIsNewestFirstAndSelectsByKeyAndState) {
  const MessageId acked = PublishedId(Draft("run-a", "a"));
  Ack(Call({acked}, "w"));
  const MessageId cancelled = PublishedId(Draft("run-a", "b"));
  ASSERT_TRUE(log().Cancel(cancelled, "").ok());
  Apply({ShortLived(Draft("run-a", "a")), Draft("run-a", "b")});
  under_test_->LetShortTtlPass();
  HistoryQuery query = {.run = {.id = "run-a"}, .limit = kLargePage};
  const absl::StatusOr<HistoryPage> page = log().ListHistory(query);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(SequencesOf(page->messages), ElementsAre(4, 3, 2, 1));
  EXPECT_FALSE(page->more);
  query.states = {MessageState::kExpired, MessageState::kAcked};
  EXPECT_THAT(SequencesOf(log().ListHistory(query)->messages), ElementsAre(3, 1))
      << "expired from its time on, written down or not";
  query.states = {MessageState::kPending};
  EXPECT_THAT(SequencesOf(log().ListHistory(query)->messages), ElementsAre(4));
  query.states = {};
  query.keys = {"b"};
  EXPECT_THAT(SequencesOf(log().ListHistory(query)->messages), ElementsAre(4, 2));
  query.before = 4;
  EXPECT_THAT(SequencesOf(log().ListHistory(query)->messages), ElementsAre(2));
}

TEST_P(MessageLogContract, PagesOfHistoryCountValuesAndReplies) {
  for (int i = 0; i < 6; ++i) {
    const MessageId id = PublishedId(Draft("run-a", "k", std::string(100, 'x')));
    AckCall call = Call({id}, "w", AckOutcome::kApplied);
    call.reply = std::string(100, 'y');
    Ack(call);
  }
  HistoryQuery query = {.run = {.id = "run-a"}, .limit = {.rows = 4, .bytes = 1 << 20}};
  EXPECT_THAT(SequencesOf(log().ListHistory(query)->messages), ElementsAre(6, 5, 4, 3));
  EXPECT_TRUE(log().ListHistory(query)->more);
  query.before = 3;
  EXPECT_FALSE(log().ListHistory(query)->more);
  query = {.run = {.id = "run-a"}, .limit = {.rows = 100, .bytes = 500}};
  EXPECT_THAT(SequencesOf(log().ListHistory(query)->messages), ElementsAre(6, 5, 4));
  EXPECT_TRUE(log().ListHistory(query)->more);
  query.limit.bytes = 1;
  EXPECT_THAT(log().ListHistory(query)->messages, SizeIs(1));
}

TEST_P(MessageLogContract, ReadMessagesLeavesOutWhatDoesNotExist) {
  const MessageId id = PublishedId(Draft("run-a", "k"));
  MessageId forged = id;
  forged.nonce ^= 1;
  EXPECT_THAT(*log().ReadMessages({forged, id, {run_no_ + 9, 1, 1}}), SizeIs(1));
  EXPECT_THAT(*log().ReadMessages({}), IsEmpty());
}

TEST_P(MessageLogContract, HeadsAreOfTheRunsThatExist) {
  const int64_t other = under_test_->AddRun("run-b", "p", 2);
  Ack(Call({PublishedId(Draft("run-a", "k"))}, "w"));
  under_test_->EndRun(other, RunOutcome::kCompleted);
  const absl::StatusOr<std::vector<RunHead>> heads = log().ReadHeads({other, run_no_, 987654});
  ASSERT_TRUE(heads.ok()) << heads.status();
  ASSERT_THAT(*heads, SizeIs(2));
  std::map<int64_t, RunHead> by_run;
  for (const RunHead& head : *heads) by_run[head.run_no] = head;
  EXPECT_EQ(by_run[run_no_].head, (Position{1, 1}));
  EXPECT_EQ(by_run[run_no_].epoch, under_test_->epoch());
  EXPECT_FALSE(by_run[run_no_].ended);
  EXPECT_TRUE(by_run[other].ended);
  EXPECT_EQ(by_run[other].head, (Position{0, 0}));
}

TEST_P(MessageLogContract, ChangesAreWithdrawalsOfWhatWasSeenAndMessagesThatWereNot) {
  const MessageId seen_acked = PublishedId(Draft("run-a", "a"));
  const MessageId seen_acked_before = PublishedId(Draft("run-a", "b"));
  PublishedId(Draft("run-a", "c"));
  Ack(Call({seen_acked_before}, "w"));
  const MessageId unseen_acked = PublishedId(Draft("run-a", "d"));
  Ack(Call({unseen_acked}, "w"));
  Ack(Call({seen_acked}, "who", AckOutcome::kFailed));
  PublishedId(Draft("run-a", "e"));

  const RunChanges changes = Changes({3, 1});
  EXPECT_EQ(changes.run_no, run_no_);
  EXPECT_EQ(changes.epoch, under_test_->epoch());
  EXPECT_EQ(changes.from, (Position{3, 1}));
  EXPECT_EQ(changes.to, (Position{5, 3}));
  EXPECT_EQ(changes.head, changes.to);
  EXPECT_FALSE(changes.ended.has_value());
  ASSERT_THAT(changes.withdrawals, SizeIs(1));
  EXPECT_EQ(changes.withdrawals[0].id, seen_acked);
  EXPECT_EQ(changes.withdrawals[0].key, "a");
  EXPECT_EQ(changes.withdrawals[0].state, MessageState::kFailed);
  EXPECT_EQ(changes.withdrawals[0].consumer, "who");
  EXPECT_EQ(changes.withdrawals[0].change, 3);
  EXPECT_THAT(SequencesOf(changes.messages), ElementsAre(5));

  EXPECT_THAT(SequencesOf(Changes({0, 0}).messages), ElementsAre(3, 5));
  EXPECT_THAT(Changes({0, 0}).withdrawals, IsEmpty());
  EXPECT_EQ(Changes({5, 3}).to, (Position{5, 3}));
  EXPECT_THAT(Changes({5, 3}).messages, IsEmpty());
}

TEST_P(MessageLogContract, PagesOfChangesTellEveryWithdrawalBeforeTheFirstMessage) {
  std::vector<MessageId> ids;
  ids.reserve(4);
  for (int i = 0; i < 4; ++i) ids.push_back(PublishedId(Draft("run-a", "k")));
  Ack(Call(ids, "w"));
  Apply(std::vector<NewMessage>(3, Draft("run-a", "k", std::string(100, 'x'))));
  const ReadLimit two = {.rows = 2, .bytes = 1 << 20};
  RunChanges page = Changes({4, 0}, two);
  EXPECT_THAT(page.withdrawals, SizeIs(2));
  EXPECT_THAT(page.messages, IsEmpty());
  EXPECT_EQ(page.to, (Position{4, 2}));
  EXPECT_EQ(page.head, (Position{7, 4}));
  page = Changes(page.to, two);
  EXPECT_THAT(page.withdrawals, SizeIs(2));
  EXPECT_THAT(SequencesOf(page.messages), ElementsAre(5, 6));
  EXPECT_EQ(page.to, (Position{6, 4}));
  page = Changes(page.to, two);
  EXPECT_THAT(SequencesOf(page.messages), ElementsAre(7));
  EXPECT_EQ(page.to, page.head);

  EXPECT_THAT(SequencesOf(Changes({4, 4}, {.rows = 100, .bytes = 150}).messages), ElementsAre(5, 6));
  EXPECT_THAT(SequencesOf(Changes({4, 4}, {.rows = 100, .bytes = 1}).messages), ElementsAre(5));
}

TEST_P(MessageLogContract, ChangesOfAnotherHistoryAreOutOfRange) {
  Ack(Call({PublishedId(Draft("run-a", "k"))}, "w"));
  const int64_t epoch = under_test_->epoch();
  const auto code = [&](const Cursor& from) { return log().ReadChanges(from, kLargePage).status().code(); };
  EXPECT_EQ(code({epoch, run_no_, {1, 1}}), absl::StatusCode::kOk);
  EXPECT_EQ(code({epoch, run_no_, {2, 1}}), absl::StatusCode::kOutOfRange) << "beyond the newest message";
  EXPECT_EQ(code({epoch, run_no_, {1, 2}}), absl::StatusCode::kOutOfRange) << "beyond the newest withdrawal";
  EXPECT_EQ(code({epoch + 1, run_no_, {1, 1}}), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(code({epoch, run_no_ + 99, {0, 0}}), absl::StatusCode::kOutOfRange);
}

// After a restore the same sequences are given out again; the nonce tells the messages apart.
TEST_P(MessageLogContract, APositionIsMarkedWithTheMessageItEndsAt) {
  const MessageId first = PublishedId(Draft("run-a", "k"));
  const MessageId second = PublishedId(Draft("run-a", "k"));
  EXPECT_EQ(Changes({0, 0}).to.mark, second.nonce);
  EXPECT_EQ(Changes({0, 0}, {.rows = 1, .bytes = 1 << 20}).to.mark, first.nonce);
  EXPECT_EQ(log().ListPending({.run = {.id = "run-a"}, .limit = kLargePage})->head.mark, second.nonce);
  EXPECT_TRUE(Changes({1, 0, first.nonce}).messages.size() == 1);
  const Cursor rewritten = {under_test_->epoch(), run_no_, {1, 0, first.nonce ^ 1}};
  EXPECT_TRUE(absl::IsOutOfRange(log().ReadChanges(rewritten, kLargePage).status()));
}

TEST_P(MessageLogContract, ChangesOfAnEndedRunAreItsEnd) {
  PublishedId(Draft("run-a", "k"));
  under_test_->EndRun(run_no_, RunOutcome::kStopped);
  for (const Position& from : {Position{0, 0}, Position{1, 0}, Position{1, 1}}) {
    const RunChanges changes = Changes(from);
    EXPECT_EQ(changes.ended, RunOutcome::kStopped);
    EXPECT_THAT(changes.messages, IsEmpty());
    EXPECT_THAT(changes.withdrawals, IsEmpty()) << "UNDELIVERED is not told one by one";
  }
}

// What a stream knows that follows the changes: pending messages by sequence.
class Follower {
 public:
  void Take(const RunChanges& changes) {
    EXPECT_EQ(changes.from, at_);
    for (const Withdrawal& withdrawal : changes.withdrawals) pending_.erase(withdrawal.id.sequence);
    for (const MessagePtr& message : changes.messages) {
      EXPECT_GT(message->id.sequence, last_) << "sequences strictly increase";
      last_ = message->id.sequence;
      pending_[last_] = message->id;
    }
    at_ = changes.to;
  }
  const Position& at() const { return at_; }
  std::vector<int64_t> pending() const {
    std::vector<int64_t> sequences;
    for (const auto& [sequence, id] : pending_) sequences.push_back(sequence);
    return sequences;
  }

 private:
  Position at_;
  int64_t last_ = 0;
  std::map<int64_t, MessageId> pending_;
};

// However publishes, acks and cancels mix, whoever follows the pages of changes, and whoever follows
// what the commits say of themselves, knows exactly what is pending.
TEST_P(MessageLogContract, WhoeverFollowsTheChangesKnowsWhatIsPending) {
  const unsigned seed = 20260501;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto draw = [&random](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  Follower reader;
  Follower committer;
  std::vector<MessageId> all;
  for (int round = 0; round < 80; ++round) {
    std::vector<NewMessage> drafts;
    for (int i = draw(4); i > 0; --i) {
      const std::string key(1, static_cast<char>('a' + draw(3)));
      drafts.push_back(draw(2) == 0 ? Draft("run-a", key) : SettingDraft("run-a", key));
    }
    std::vector<AckCall> calls;
    if (!all.empty())
      calls.push_back(Call({all[static_cast<size_t>(draw(static_cast<int>(all.size())))]}, "w"));
    const GroupOutcome outcome = Apply(drafts, calls);
    for (const Appended& appended : outcome.appended) {
      if (appended.message != nullptr) all.push_back(appended.message->id);
    }
    // Retries of refused items are commits of their own, which this test leaves to the reader.
    for (Position at = committer.at(); at != Changes(at).head; at = committer.at()) {
      const auto next = std::ranges::find(outcome.changes, at, &RunChanges::from);
      committer.Take(next != outcome.changes.end() ? *next : Changes(at));
    }
    const ReadLimit page = {.rows = 1 + draw(3), .bytes = 1 << 20};
    if (draw(3) == 0) {
      do reader.Take(Changes(reader.at(), page));
      while (reader.at() != Changes(reader.at()).head);
      EXPECT_EQ(reader.pending(), Pending("run-a"));
    }
    ASSERT_EQ(committer.pending(), Pending("run-a")) << "in round " << round;
  }
}

}  // namespace
}  // namespace signalbox::service
