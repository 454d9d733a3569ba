#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/message_log_contract.h"

// How messages leave PENDING: ack, cancel, expiry, the end of the run.

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(MessageLogContract, TheFirstConsumerClaimsAndTheOthersLearnWho) {
  const MessageId id = PublishedId(Draft("run-a", "k"));
  const Acked first = Ack(Call({id}, "one"));
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_EQ(first.messages[0]->state, MessageState::kAcked);
  EXPECT_EQ(first.messages[0]->consumer, "one");
  EXPECT_NE(first.messages[0]->ack_time, absl::InfiniteFuture());
  EXPECT_EQ(first.messages[0]->finish_time, absl::InfiniteFuture());
  EXPECT_EQ(first.messages[0]->change, 1);

  EXPECT_EQ(Ack(Call({id}, "two", AckOutcome::kApplied)).messages[0]->consumer, "one");
  const MessagePtr repeated = Ack(Call({id}, "one")).messages[0];
  EXPECT_EQ(repeated->state, MessageState::kAcked);
  EXPECT_EQ(repeated->ack_time, first.messages[0]->ack_time);
  EXPECT_THAT(Pending("run-a"), IsEmpty());
}

TEST_P(MessageLogContract, TheClaimantMayFinishOnce) {
  const MessageId id = PublishedId(Draft("run-a", "k"));
  Ack(Call({id}, "one"));
  AckCall finish = Call({id}, "one", AckOutcome::kFailed);
  finish.reply = std::string("\x00\xff", 2);
  finish.error = "broke";
  finish.step = 42;
  const MessagePtr finished = Ack(finish).messages[0];
  EXPECT_EQ(finished->state, MessageState::kFailed);
  EXPECT_EQ(finished->reply, finish.reply);
  EXPECT_EQ(finished->error, "broke");
  EXPECT_EQ(finished->step, 42);
  EXPECT_NE(finished->finish_time, absl::InfiniteFuture());
  EXPECT_EQ(finished->change, 1) << "it left PENDING only once";
  EXPECT_EQ(Ack(Call({id}, "one", AckOutcome::kApplied)).messages[0]->state, MessageState::kFailed);
  EXPECT_EQ(Ack(Call({id}, "one")).messages[0]->error, "broke");
}

TEST_P(MessageLogContract, ADirectOutcomeSetsBothTimes) {
  const MessageId id = PublishedId(Draft("run-a", "k"));
  const MessagePtr applied = Ack(Call({id}, "one", AckOutcome::kApplied)).messages[0];
  EXPECT_EQ(applied->state, MessageState::kApplied);
  EXPECT_EQ(applied->ack_time, applied->finish_time);
  EXPECT_NE(applied->ack_time, absl::InfiniteFuture());
}

TEST_P(MessageLogContract, AnUnknownIdRefusesItsCallAndNoOther) {
  const MessageId a = PublishedId(Draft("run-a", "k"));
  const MessageId b = PublishedId(Draft("run-a", "k"));
  MessageId other_nonce = b;
  other_nonce.nonce ^= 1;
  for (const MessageId& unknown : {MessageId{run_no_, 99, 5}, MessageId{run_no_ + 77, 1, 5}, other_nonce}) {
    const GroupOutcome outcome = Apply({}, {Call({a, unknown}, "w"), Call({b}, "w")});
    EXPECT_EQ(outcome.acked[0].status.code(), absl::StatusCode::kNotFound);
    EXPECT_TRUE(outcome.acked[1].status.ok()) << outcome.acked[1].status;
    EXPECT_THAT(Pending("run-a"), ElementsAre(a.sequence)) << "nothing of the refused call took effect";
  }
}

TEST_P(MessageLogContract, OneCallAcksMessagesOfSeveralRunsInTheOrderOfItsIds) {
  const int64_t other = under_test_->AddRun("run-b", "p", 2);
  const MessageId a1 = PublishedId(Draft("run-a", "k"));
  const MessageId a2 = PublishedId(Draft("run-a", "k"));
  const MessageId b1 = PublishedId(Draft("run-b", "k"));
  const GroupOutcome outcome = Apply({}, {Call({a2, b1, a1}, "w")});
  ASSERT_THAT(outcome.acked[0].messages, SizeIs(3));
  EXPECT_EQ(outcome.acked[0].messages[0]->id, a2);
  EXPECT_EQ(outcome.acked[0].messages[1]->id, b1);
  EXPECT_EQ(outcome.acked[0].messages[1]->run_id, "run-b");
  EXPECT_EQ(outcome.acked[0].messages[2]->id, a1);
  EXPECT_THAT(outcome.touched, testing::UnorderedElementsAre(a1, a2, b1));
  ASSERT_THAT(outcome.changes, SizeIs(2));
  for (const RunChanges& changes : outcome.changes) {
    const int64_t count = changes.run_no == other ? 1 : 2;
    EXPECT_EQ(changes.to.change - changes.from.change, count);
    EXPECT_THAT(changes.withdrawals, SizeIs(count));
    EXPECT_TRUE(std::ranges::is_sorted(changes.withdrawals, {}, &Withdrawal::change));
    EXPECT_EQ(changes.withdrawals[0].consumer, "w");
  }
}

TEST_P(MessageLogContract, PublishesAndAcksOfOneRunTravelTogether) {
  const MessageId old = PublishedId(SettingDraft("run-a", "lr"));
  const MessageId command = PublishedId(Draft("run-a", "save"));
  const GroupOutcome outcome =
      Apply({SettingDraft("run-a", "lr"), Draft("run-a", "save")}, {Call({command, old}, "w")});
  EXPECT_THAT(outcome.appended[0].superseded, ElementsAre(old));
  EXPECT_EQ(outcome.acked[0].messages[0]->state, MessageState::kAcked);
  EXPECT_EQ(outcome.acked[0].messages[1]->state, MessageState::kSuperseded) << "it was replaced before";
  Position at = {2, 0};
  for (const RunChanges& changes : outcome.changes) {
    EXPECT_EQ(changes.from, at);
    at = changes.to;
  }
  EXPECT_EQ(at, (Position{4, 2}));
}

TEST_P(MessageLogContract, WhatHasExpiredIsNotClaimed) {
  const MessageId id = PublishedId(ShortLived(Draft("run-a", "k")));
  under_test_->LetShortTtlPass();
  const GroupOutcome outcome = Apply({}, {Call({id}, "w", AckOutcome::kApplied)});
  const MessagePtr expired = outcome.acked[0].messages[0];
  EXPECT_EQ(expired->state, MessageState::kExpired);
  EXPECT_EQ(expired->consumer, "");
  EXPECT_EQ(expired->ack_time, absl::InfiniteFuture());
  EXPECT_EQ(expired->finish_time, expired->expire_time);
  ASSERT_THAT(outcome.changes, SizeIs(1)) << "the withdrawal is told at once";
  EXPECT_EQ(outcome.changes[0].withdrawals[0].state, MessageState::kExpired);
}

TEST_P(MessageLogContract, AnAckedMessageDoesNotExpire) {
  const MessageId id = PublishedId(ShortLived(Draft("run-a", "k")));
  const bool claimed = Ack(Call({id}, "w")).messages[0]->state == MessageState::kAcked;
  under_test_->LetShortTtlPass();
  ASSERT_TRUE(log().Expire(100).ok());
  EXPECT_EQ(Read(id)->state, claimed ? MessageState::kAcked : MessageState::kExpired);
}

TEST_P(MessageLogContract, CancelWithdrawsAPendingMessage) {
  Publish(Draft("run-a", "k"));
  const MessageId id = PublishedId(Draft("run-a", "k"));
  const absl::StatusOr<Cancelled> cancelled = log().Cancel(id, "no need");
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->message->state, MessageState::kCancelled);
  EXPECT_EQ(cancelled->message->error, "no need");
  EXPECT_NE(cancelled->message->finish_time, absl::InfiniteFuture());
  EXPECT_EQ(cancelled->changes.run_no, run_no_);
  EXPECT_EQ(cancelled->changes.from, (Position{2, 0}));
  EXPECT_EQ(cancelled->changes.to, (Position{2, 1}));
  ASSERT_THAT(cancelled->changes.withdrawals, SizeIs(1));
  EXPECT_EQ(cancelled->changes.withdrawals[0].id, id);

  const absl::StatusOr<Cancelled> again = log().Cancel(id, "other words");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->message->error, "no need");
  EXPECT_EQ(again->changes.run_no, 0) << "nothing changed";
}

TEST_P(MessageLogContract, CancelRefusesWhatIsNotPending) {
  const MessageId acked = PublishedId(Draft("run-a", "k"));
  Ack(Call({acked}, "w"));
  EXPECT_EQ(log().Cancel(acked, "").status().code(), absl::StatusCode::kFailedPrecondition);
  const MessageId expired = PublishedId(ShortLived(Draft("run-a", "k")));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(log().Cancel(expired, "").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(log().Cancel({run_no_, 1, 7}, "").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(log().Cancel({run_no_ + 50, 1, 7}, "").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(MessageLogContract, ExpireWritesDownWhatIsOver) {
  const MessageId id = PublishedId(ShortLived(Draft("run-a", "k")));
  const MessageId lasting = PublishedId(Draft("run-a", "k"));
  under_test_->LetShortTtlPass();
  EXPECT_EQ(Read(id)->state, MessageState::kExpired) << "readers see it before it is written down";
  EXPECT_EQ(Read(id)->finish_time, Read(id)->expire_time);
  EXPECT_EQ(Read(id)->change, 0);

  const absl::StatusOr<std::vector<int64_t>> run_nos = log().Expire(100);
  ASSERT_TRUE(run_nos.ok()) << run_nos.status();
  EXPECT_THAT(*run_nos, ElementsAre(run_no_));
  EXPECT_EQ(Read(id)->change, 1);
  EXPECT_EQ(Read(id)->finish_time, Read(id)->expire_time);
  EXPECT_EQ(Read(lasting)->state, MessageState::kPending);
  EXPECT_THAT(*log().Expire(100), IsEmpty());
}

TEST_P(MessageLogContract, TheEndOfARunSettlesWhatIsPending) {
  const MessageId expired = PublishedId(ShortLived(Draft("run-a", "k")));
  const MessageId acked = PublishedId(Draft("run-a", "k"));
  const MessageId pending = PublishedId(Draft("run-a", "k"));
  NewMessage long_lived = Draft("run-a", "k");
  long_lived.ttl = absl::Hours(1);
  const MessageId with_ttl = PublishedId(long_lived);
  Ack(Call({acked}, "w"));
  under_test_->LetShortTtlPass();
  under_test_->EndRun(run_no_, RunOutcome::kFailed);

  EXPECT_EQ(Read(expired)->state, MessageState::kExpired);
  EXPECT_EQ(Read(expired)->finish_time, Read(expired)->expire_time);
  EXPECT_EQ(Read(acked)->state, MessageState::kAcked);
  EXPECT_EQ(Read(pending)->state, MessageState::kUndelivered);
  EXPECT_EQ(Read(with_ttl)->state, MessageState::kUndelivered);
  EXPECT_LT(Read(with_ttl)->finish_time, Read(with_ttl)->expire_time);
  EXPECT_EQ(Ack(Call({pending}, "w")).messages[0]->state, MessageState::kUndelivered);
  EXPECT_EQ(Ack(Call({acked}, "w", AckOutcome::kApplied)).messages[0]->state, MessageState::kApplied)
      << "the claimant may still finish";
  EXPECT_EQ(log().Cancel(pending, "").status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace signalbox::service
