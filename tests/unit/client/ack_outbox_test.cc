#include "ack_outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_clock.h"

namespace signalbox::internal {
namespace {

using testing::ElementsAre;

const Ack kClaim;
const Ack kApplied{AckOutcome::kApplied, std::nullopt, "", 5};

// Every backoff is 1 s.
AckOutbox MakeOutbox(std::size_t capacity = 100) {
  return {capacity, Backoff({absl::Seconds(1), absl::Seconds(1)}, [] { return 0.0; })};
}

AckReceipt MakeReceipt() { return std::make_shared<OneShot<absl::StatusOr<bool>>>(); }

std::vector<AckResult> Results(const std::vector<std::string>& ids, bool claimed = true) {
  std::vector<AckResult> results;
  for (const std::string& id : ids) results.push_back({id, claimed, {}});
  return results;
}

TEST(AckOutboxTest, IsBounded) {
  AckOutbox outbox = MakeOutbox(2);
  outbox.Add("a", kClaim, nullptr);
  EXPECT_TRUE(outbox.HasRoom());
  outbox.Add("b", kClaim, nullptr);
  EXPECT_FALSE(outbox.HasRoom());
  outbox.StartBatch(At(0));
  EXPECT_FALSE(outbox.HasRoom()) << "what is under way counts";
  outbox.OnAnswered(Results({"a", "b"}), At(0));
  EXPECT_TRUE(outbox.HasRoom());
  EXPECT_TRUE(outbox.IsEmpty());
}

TEST(AckOutboxTest, NeighboursThatSayTheSameTravelTogether) {
  AckOutbox outbox = MakeOutbox();
  outbox.Add("a", kApplied, nullptr);
  outbox.Add("b", kApplied, nullptr);
  outbox.Add("c", kClaim, nullptr);
  outbox.Add("d", {AckOutcome::kApplied, Value("path"), "", 5}, nullptr);
  EXPECT_THAT(outbox.StartBatch(At(0))->message_ids, ElementsAre("a", "b"));
  EXPECT_FALSE(outbox.StartBatch(At(0)).has_value()) << "one call at a time";
  EXPECT_EQ(outbox.NextAttempt(), Never());
  outbox.OnAnswered(Results({"a", "b"}), At(0));
  EXPECT_THAT(outbox.StartBatch(At(0))->message_ids, ElementsAre("c"));
  outbox.OnAnswered(Results({"c"}), At(0));
  const auto last = outbox.StartBatch(At(0));
  EXPECT_THAT(last->message_ids, ElementsAre("d"));
  EXPECT_EQ(*last->ack.reply, Value("path"));
}

TEST(AckOutboxTest, ACallHoldsAThousandAtMost) {
  AckOutbox outbox = MakeOutbox(5000);
  for (int i = 0; i < 1500; ++i) outbox.Add(std::to_string(i), kClaim, nullptr);
  const auto first = outbox.StartBatch(At(0));
  EXPECT_EQ(first->message_ids.size(), 1000u);
  outbox.OnAnswered(Results(first->message_ids), At(0));
  EXPECT_EQ(outbox.StartBatch(At(0))->message_ids.size(), 500u);
}

TEST(AckOutboxTest, WhatIsUnavailableIsRepeatedInOrderAfterABackoff) {
  AckOutbox outbox = MakeOutbox();
  outbox.Add("a", kClaim, nullptr);
  outbox.StartBatch(At(0));
  outbox.Add("b", kClaim, nullptr);
  EXPECT_TRUE(outbox.OnFailed(absl::UnavailableError("away"), At(0)).empty());
  EXPECT_EQ(outbox.NextAttempt(), At(1));
  EXPECT_FALSE(outbox.StartBatch(At(0.9)).has_value());
  EXPECT_THAT(outbox.StartBatch(At(1))->message_ids, ElementsAre("a", "b"));
}

TEST(AckOutboxTest, WhatMayPassIsNeverGivenUp) {
  AckOutbox outbox = MakeOutbox();
  outbox.Add("a", kClaim, nullptr);
  double now = 0;
  for (const absl::Status& status :
       {absl::DeadlineExceededError(""), absl::InternalError(""), absl::UnauthenticatedError(""),
        absl::PermissionDeniedError(""), absl::ResourceExhaustedError(""), absl::UnknownError("")}) {
    ASSERT_TRUE(outbox.StartBatch(At(now)).has_value()) << status;
    EXPECT_TRUE(outbox.OnFailed(status, At(now)).empty()) << status;
    now += 1;
  }
}

TEST(AckOutboxTest, TellsWhoWaits) {
  AckOutbox outbox = MakeOutbox();
  const AckReceipt won = MakeReceipt();
  const AckReceipt lost = MakeReceipt();
  outbox.Add("a", kClaim, won);
  outbox.Add("b", kClaim, lost);
  outbox.StartBatch(At(0));
  EXPECT_FALSE(won->WaitFor(absl::ZeroDuration()).has_value());
  outbox.OnAnswered({{"a", true, {}}, {"b", false, {}}}, At(0));
  EXPECT_TRUE(won->WaitFor(absl::ZeroDuration())->value());
  EXPECT_FALSE(lost->WaitFor(absl::ZeroDuration())->value());
}

TEST(AckOutboxTest, AMessageThatIsNotFoundDoesNotHoldUpTheOthers) {
  AckOutbox outbox = MakeOutbox();
  const AckReceipt bad = MakeReceipt();
  outbox.Add("a", kClaim, nullptr);
  outbox.Add("bad", kClaim, bad);
  outbox.Add("c", kClaim, nullptr);
  EXPECT_EQ(outbox.StartBatch(At(0))->message_ids.size(), 3u);
  EXPECT_TRUE(outbox.OnFailed(absl::NotFoundError("no such message"), At(0)).empty());

  EXPECT_THAT(outbox.StartBatch(At(0))->message_ids, ElementsAre("a"));
  EXPECT_EQ(outbox.OnAnswered(Results({"a"}), At(0)).front().message_id, "a");
  EXPECT_THAT(outbox.StartBatch(At(0))->message_ids, ElementsAre("bad"));
  const auto settled = outbox.OnFailed(absl::NotFoundError("no such message"), At(0));
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_TRUE(absl::IsNotFound(settled.front().status));
  EXPECT_TRUE(absl::IsNotFound(bad->WaitFor(absl::ZeroDuration())->status()));
  EXPECT_THAT(outbox.StartBatch(At(0))->message_ids, ElementsAre("c"));
}

TEST(AckOutboxTest, AClaimAndItsOutcomeAreSettledWithTheLast) {
  AckOutbox outbox = MakeOutbox();
  outbox.Add("a", kClaim, nullptr);
  outbox.Add("a", kApplied, nullptr);
  outbox.StartBatch(At(0));
  EXPECT_FALSE(outbox.OnAnswered(Results({"a"}), At(0)).front().is_last);
  outbox.StartBatch(At(0));
  EXPECT_TRUE(outbox.OnAnswered(Results({"a"}), At(0)).front().is_last);
}

TEST(AckOutboxTest, AnAnswerOfAnotherLengthIsNoAnswer) {
  AckOutbox outbox = MakeOutbox();
  outbox.Add("a", kClaim, nullptr);
  outbox.StartBatch(At(0));
  EXPECT_TRUE(outbox.OnAnswered({}, At(0)).empty());
  EXPECT_EQ(outbox.NextAttempt(), At(1));
}

TEST(AckOutboxTest, AbandonTellsEverybody) {
  AckOutbox outbox = MakeOutbox();
  const AckReceipt sending = MakeReceipt();
  const AckReceipt waiting = MakeReceipt();
  outbox.Add("a", kClaim, sending);
  outbox.StartBatch(At(0));
  outbox.Add("b", kClaim, waiting);
  outbox.Abandon(absl::CancelledError("closed"));
  EXPECT_TRUE(absl::IsCancelled(sending->WaitFor(absl::ZeroDuration())->status()));
  EXPECT_TRUE(absl::IsCancelled(waiting->WaitFor(absl::ZeroDuration())->status()));
  EXPECT_TRUE(outbox.IsEmpty());
}

}  // namespace
}  // namespace signalbox::internal
