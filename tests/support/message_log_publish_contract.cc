#include <string>
#include <vector>

#include "tests/support/message_log_contract.h"

// What a publish does: order, request ids, settings, limits.

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(MessageLogContract, NumbersTheMessagesOfEachRunWithoutAGap) {
  const int64_t other = under_test_->AddRun("run-b", "p", 2);
  const GroupOutcome first =
      Apply({Draft("run-a", "k"), Draft("run-b", "k"), Draft("run-a", "k"), Draft("run-b", "k")});
  EXPECT_EQ(first.appended[0].message->id.sequence, 1);
  EXPECT_EQ(first.appended[1].message->id.sequence, 1);
  EXPECT_EQ(first.appended[2].message->id.sequence, 2);
  EXPECT_EQ(first.appended[3].message->id.sequence, 2);
  EXPECT_EQ(first.appended[0].message->id.run_no, run_no_);
  EXPECT_EQ(first.appended[1].message->id.run_no, other);
  EXPECT_EQ(PublishedId(Draft("run-a", "k")).sequence, 3);
  EXPECT_THAT(Pending("run-a"), ElementsAre(1, 2, 3));
}

TEST_P(MessageLogContract, StoresEverythingADraftSays) {
  NewMessage draft = Draft("run-a", "läuft 🚦", std::string("\x00\xff'\"\\{},NULL\n", 13));
  draft.kind = Kind::kSetting;
  draft.reason = "weil \"es\" \\ so ist, {NULL}";
  draft.publisher = "alice";
  draft.ttl = absl::Hours(1);
  const MessagePtr said = Publish(draft).message;
  const MessagePtr stored = Read(said->id);
  for (const MessagePtr& message : {said, stored}) {
    EXPECT_EQ(message->run_id, "run-a");
    EXPECT_EQ(message->key, draft.key);
    EXPECT_EQ(message->value, draft.value);
    EXPECT_EQ(message->kind, Kind::kSetting);
    EXPECT_EQ(message->state, MessageState::kPending);
    EXPECT_EQ(message->publisher, "alice");
    EXPECT_EQ(message->reason, draft.reason);
    EXPECT_EQ(message->expire_time, message->create_time + absl::Hours(1));
    EXPECT_EQ(message->ack_time, absl::InfiniteFuture());
    EXPECT_EQ(message->finish_time, absl::InfiniteFuture());
    EXPECT_EQ(message->consumer, "");
    EXPECT_FALSE(message->reply.has_value());
    EXPECT_EQ(message->change, 0);
  }
  EXPECT_EQ(said->create_time, stored->create_time);
}

TEST_P(MessageLogContract, AnUnspecifiedKindIsACommand) {
  EXPECT_EQ(Publish(Draft("run-a", "k")).message->kind, Kind::kCommand);
}

TEST_P(MessageLogContract, ARepeatedRequestIdReturnsTheFirstMessageAsItNowIs) {
  const MessageId old = PublishedId(SettingDraft("run-a", "k"));
  NewMessage draft = SettingDraft("run-a", "k");
  draft.request_id = std::string("r\0\xff", 3);
  draft.fingerprint = "same";
  const Appended first = Publish(draft);
  ASSERT_THAT(first.superseded, ElementsAre(old));
  Ack(Call({first.message->id}, "worker"));

  const GroupOutcome again = Apply({draft, Draft("run-a", "other")});
  EXPECT_TRUE(again.appended[0].status.ok()) << again.appended[0].status;
  EXPECT_EQ(again.appended[0].message->id, first.message->id);
  EXPECT_EQ(again.appended[0].message->state, MessageState::kAcked);
  EXPECT_EQ(again.appended[0].message->consumer, "worker");
  EXPECT_THAT(again.appended[0].superseded, ElementsAre(old));
  EXPECT_EQ(again.appended[1].message->id.sequence, 3) << "the repeat took no sequence";

  under_test_->EndRun(run_no_, RunOutcome::kStopped);
  EXPECT_EQ(Publish(draft).message->id, first.message->id) << "also when the run has ended";
}

TEST_P(MessageLogContract, ARequestIdWithOtherContentIsRefused) {
  NewMessage draft = Draft("run-a", "k");
  draft.request_id = "r";
  draft.fingerprint = "one";
  Publish(draft);
  draft.fingerprint = "two";
  EXPECT_EQ(Publish(draft).status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Pending("run-a"), ElementsAre(1));
  under_test_->AddRun("run-b", "p", 2);
  draft.run.id = "run-b";
  EXPECT_TRUE(Publish(draft).status.ok()) << "a request id belongs to one run";
}

TEST_P(MessageLogContract, AnUnknownRunFailsOnlyItsOwnMessage) {
  NewMessage unknown_rank = Draft("", "k");
  unknown_rank.run = {.project = "p", .rank = 77};
  const GroupOutcome outcome = Apply({Draft("nowhere", "k"), Draft("run-a", "k"), unknown_rank});
  EXPECT_EQ(outcome.appended[0].status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(outcome.appended[0].status.message(), HasSubstr("nowhere"));
  EXPECT_EQ(outcome.appended[1].message->id.sequence, 1);
  EXPECT_EQ(outcome.appended[2].status.code(), absl::StatusCode::kNotFound);
}

TEST_P(MessageLogContract, TheSameRunByIdAndByRankIsOneRun) {
  NewMessage by_rank = SettingDraft("", "k");
  by_rank.run = {.project = "p", .rank = 1};
  const GroupOutcome outcome =
      Apply({SettingDraft("run-a", "k"), by_rank, SettingDraft("run-a", "k"), by_rank});
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(outcome.appended[i].message->id.sequence, i + 1);
    EXPECT_EQ(outcome.appended[i].message->run_id, "run-a");
  }
  EXPECT_THAT(Pending("run-a"), ElementsAre(4));
  EXPECT_THAT(outcome.changes, SizeIs(1));
}

TEST_P(MessageLogContract, AnEndedRunTakesNoMessage) {
  under_test_->EndRun(run_no_, RunOutcome::kCompleted);
  const Appended refused = Publish(Draft("run-a", "k"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status.message(), HasSubstr("ENDED"));
}

TEST_P(MessageLogContract, ASettingReplacesThePendingOneOfItsKey) {
  const MessageId command = PublishedId(Draft("run-a", "lr"));
  const MessageId other_key = PublishedId(SettingDraft("run-a", "momentum"));
  const MessageId old = PublishedId(SettingDraft("run-a", "lr"));
  const GroupOutcome outcome = Apply({SettingDraft("run-a", "lr")});
  EXPECT_THAT(outcome.appended[0].superseded, ElementsAre(old));
  EXPECT_THAT(outcome.touched, ElementsAre(old));
  EXPECT_THAT(Pending("run-a"), ElementsAre(command.sequence, other_key.sequence, 4));
  const MessagePtr replaced = Read(old);
  EXPECT_EQ(replaced->state, MessageState::kSuperseded);
  EXPECT_NE(replaced->finish_time, absl::InfiniteFuture());
  EXPECT_EQ(replaced->change, 1);
  ASSERT_THAT(outcome.changes, SizeIs(1));
  ASSERT_THAT(outcome.changes[0].withdrawals, SizeIs(1));
  EXPECT_EQ(outcome.changes[0].withdrawals[0].id, old);
  EXPECT_EQ(outcome.changes[0].withdrawals[0].state, MessageState::kSuperseded);
}

TEST_P(MessageLogContract, SettingsReplaceEachOtherWithinAGroup) {
  const MessageId stored = PublishedId(SettingDraft("run-a", "lr"));
  const GroupOutcome outcome =
      Apply({SettingDraft("run-a", "lr"), Draft("run-a", "lr"), SettingDraft("run-a", "x"),
             SettingDraft("run-a", "lr"), SettingDraft("run-a", "lr")});
  EXPECT_THAT(outcome.appended[0].superseded, ElementsAre(stored));
  EXPECT_THAT(outcome.appended[1].superseded, IsEmpty());
  EXPECT_THAT(outcome.appended[2].superseded, IsEmpty());
  EXPECT_THAT(outcome.appended[3].superseded, ElementsAre(outcome.appended[0].message->id));
  EXPECT_THAT(outcome.appended[4].superseded, ElementsAre(outcome.appended[3].message->id));
  EXPECT_THAT(Pending("run-a"), ElementsAre(3, 4, 6));
  EXPECT_EQ(outcome.appended[3].message->state, MessageState::kSuperseded) << "as it is after the group";
  ASSERT_THAT(outcome.changes, SizeIs(1));
  EXPECT_EQ(outcome.changes[0].to, (Position{6, 3}));
  EXPECT_THAT(SequencesOf(outcome.changes[0].messages), ElementsAre(3, 4, 6));
  EXPECT_THAT(outcome.changes[0].withdrawals, SizeIs(1)) << "nobody saw the others";
}

TEST_P(MessageLogContract, AClaimedSettingIsNotReplaced) {
  const MessageId old = PublishedId(SettingDraft("run-a", "lr"));
  Ack(Call({old}, "worker"));
  EXPECT_THAT(Publish(SettingDraft("run-a", "lr")).superseded, IsEmpty());
  EXPECT_EQ(Read(old)->state, MessageState::kAcked);
}

TEST_P(MessageLogContract, AnExpiredSettingIsNotReplaced) {
  const MessageId old = PublishedId(ShortLived(SettingDraft("run-a", "lr")));
  under_test_->LetShortTtlPass();
  EXPECT_THAT(Publish(SettingDraft("run-a", "lr")).superseded, IsEmpty());
  EXPECT_EQ(Read(old)->state, MessageState::kExpired);
}

TEST_P(MessageLogContract, ExactlyTheLimitMayBePending) {
  const std::vector<NewMessage> full(kContractMaxPending, Draft("run-a", "k"));
  for (const Appended& appended : Apply(full).appended) EXPECT_TRUE(appended.status.ok()) << appended.status;
  const Appended refused = Publish(Draft("run-a", "k"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.status.message(), HasSubstr(std::to_string(kContractMaxPending)));
  const std::vector<NewMessage> group(3, Draft("run-a", "k"));
  for (const Appended& appended : Apply(group).appended)
    EXPECT_EQ(appended.status.code(), absl::StatusCode::kResourceExhausted);

  const absl::StatusOr<PendingPage> page = log().ListPending({.run = {.id = "run-a"}, .limit = kLargePage});
  ASSERT_TRUE(page.ok()) << page.status();
  Ack(Call({page->messages[4]->id}, "w"));
  EXPECT_EQ(PublishedId(Draft("run-a", "k")).sequence, kContractMaxPending + 1) << "there is room for one";
}

TEST_P(MessageLogContract, AGroupFillsTheRoomThatIsLeft) {
  Apply(std::vector<NewMessage>(kContractMaxPending - 2, Draft("run-a", "k")));
  const GroupOutcome outcome = Apply(std::vector<NewMessage>(4, Draft("run-a", "k")));
  EXPECT_TRUE(outcome.appended[0].status.ok());
  EXPECT_TRUE(outcome.appended[1].status.ok());
  EXPECT_EQ(outcome.appended[2].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outcome.appended[3].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Pending("run-a"), SizeIs(kContractMaxPending));
}

TEST_P(MessageLogContract, ASettingThatReplacesNeedsNoRoom) {
  const MessageId old = PublishedId(SettingDraft("run-a", "lr"));
  Apply(std::vector<NewMessage>(kContractMaxPending - 1, Draft("run-a", "k")));
  const GroupOutcome outcome = Apply({SettingDraft("run-a", "lr"), Draft("run-a", "k"),
                                      SettingDraft("run-a", "new"), SettingDraft("run-a", "lr")});
  EXPECT_TRUE(outcome.appended[0].status.ok()) << outcome.appended[0].status;
  EXPECT_THAT(outcome.appended[0].superseded, ElementsAre(old));
  EXPECT_EQ(outcome.appended[1].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outcome.appended[2].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(outcome.appended[3].superseded, ElementsAre(outcome.appended[0].message->id));
  EXPECT_THAT(Pending("run-a"), SizeIs(kContractMaxPending));
}

TEST_P(MessageLogContract, WhatHasExpiredNeedsNoRoom) {
  Apply(std::vector<NewMessage>(kContractMaxPending, ShortLived(Draft("run-a", "k"))));
  under_test_->LetShortTtlPass();
  const GroupOutcome outcome = Apply(std::vector<NewMessage>(kContractMaxPending, Draft("run-a", "k")));
  for (const Appended& appended : outcome.appended) EXPECT_TRUE(appended.status.ok()) << appended.status;
}

TEST_P(MessageLogContract, OneFullRunDoesNotConcernAnother) {
  under_test_->AddRun("run-b", "p", 2);
  Apply(std::vector<NewMessage>(kContractMaxPending, Draft("run-a", "k")));
  const GroupOutcome outcome = Apply({Draft("run-a", "k"), Draft("run-b", "k"), Draft("run-a", "k")});
  EXPECT_EQ(outcome.appended[0].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(outcome.appended[1].status.ok());
}

}  // namespace
}  // namespace signalbox::service
