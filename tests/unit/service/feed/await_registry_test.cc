#include "service/feed/await_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "tests/support/fake_message_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_executor.h"

namespace signalbox::service {
namespace {

class AwaitRegistryTest : public testing::Test {
 protected:
  struct Wait {
    AwaitRegistry::Ticket ticket = 0;
    int answers = 0;
    absl::StatusOr<MessagePtr> answer = absl::UnknownError("no answer");

    MessageState state() const { return answer.ok() ? (*answer)->state : MessageState::kUnspecified; }
  };

  AwaitRegistryTest() {
    log_.AddRun("run-a", "p", 1);
    const NewMessage draft = {.run = {.id = "run-a"}, .key = "k", .value = "v"};
    const NewMessage* drafts[] = {&draft};
    id_ = log_.ApplyGroup(drafts, {})->appended[0].message->id;
  }
  Wait& Await(const MessageId& id, AwaitUntil until) {
    Wait& wait = waits_.emplace_back();
    wait.ticket = awaits_.Await(id, until, [&wait](absl::StatusOr<MessagePtr> answer) {
      wait.answer = std::move(answer);
      ++wait.answers;
    });
    return wait;
  }
  void Ack(AckOutcome outcome) {
    const AckCall call = {.ids = {id_}, .consumer = "w", .outcome = outcome};
    const AckCall* calls[] = {&call};
    ASSERT_TRUE(log_.ApplyGroup({}, calls).ok());
  }

  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction()};
  ManualExecutor readers_;
  MessageId id_;
  std::deque<Wait> waits_;
  AwaitRegistry awaits_{log_, readers_};
};

TEST_F(AwaitRegistryTest, AnswersAtOnceWhatIsOverAlready) {
  Ack(AckOutcome::kApplied);
  const Wait& wait = Await(id_, AwaitUntil::kFinished);
  EXPECT_EQ(wait.answers, 0) << "never on the caller's thread";
  readers_.RunAll();
  EXPECT_EQ(wait.answers, 1);
  EXPECT_EQ(wait.state(), MessageState::kApplied);
}

TEST_F(AwaitRegistryTest, AckedIsEnoughForSomeAndNotForOthers) {
  const Wait& acked = Await(id_, AwaitUntil::kAcked);
  const Wait& finished = Await(id_, AwaitUntil::kFinished);
  readers_.RunAll();
  Ack(AckOutcome::kUnspecified);
  awaits_.OnTouched({id_});
  readers_.RunAll();
  EXPECT_EQ(acked.state(), MessageState::kAcked);
  EXPECT_EQ(finished.answers, 0);
  Ack(AckOutcome::kFailed);
  awaits_.OnTouched({id_});
  readers_.RunAll();
  EXPECT_EQ(acked.answers, 1);
  EXPECT_EQ(finished.state(), MessageState::kFailed);
}

TEST_F(AwaitRegistryTest, ManyWaitsForOneMessageAreOneRead) {
  for (int i = 0; i < 5; ++i) Await(id_, AwaitUntil::kAcked);
  readers_.RunAll();
  Ack(AckOutcome::kUnspecified);
  awaits_.OnTouched({id_, {77, 1, 1}});
  EXPECT_EQ(readers_.RunAll(), 1);
  for (const Wait& wait : waits_) EXPECT_EQ(wait.answers, 1);
}

TEST_F(AwaitRegistryTest, HintsAndRechecksLookAtTheLog) {
  const Wait& wait = Await(id_, AwaitUntil::kAcked);
  readers_.RunAll();
  Ack(AckOutcome::kUnspecified);
  awaits_.OnHint({id_.run_no + 1});
  EXPECT_EQ(readers_.RunAll(), 0) << "another run";
  awaits_.OnHint({id_.run_no});
  readers_.RunAll();
  EXPECT_EQ(wait.answers, 1);

  const Wait& second = Await(id_, AwaitUntil::kFinished);
  readers_.RunAll();
  Ack(AckOutcome::kApplied);
  awaits_.RecheckAll();
  readers_.RunAll();
  EXPECT_EQ(second.answers, 1);
  awaits_.RecheckAll();
  EXPECT_EQ(readers_.RunAll(), 0) << "nobody waits any more";
}

TEST_F(AwaitRegistryTest, WhenTheTimeIsOverTheMessageAsItIsIsTheAnswer) {
  const Wait& wait = Await(id_, AwaitUntil::kFinished);
  readers_.RunAll();
  awaits_.Expire(wait.ticket);
  readers_.RunAll();
  EXPECT_EQ(wait.answers, 1);
  EXPECT_EQ(wait.state(), MessageState::kPending);
  awaits_.Expire(wait.ticket);
  EXPECT_EQ(readers_.RunAll(), 0);
}

TEST_F(AwaitRegistryTest, AnUnknownMessageIsNotFound) {
  const Wait& wait = Await({id_.run_no, 55, 5}, AwaitUntil::kAcked);
  readers_.RunAll();
  EXPECT_EQ(wait.answer.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(AwaitRegistryTest, AnOutageIsWaitedOut) {
  log_.FailReads(absl::UnavailableError("away"));
  const Wait& wait = Await(id_, AwaitUntil::kAcked);
  readers_.RunAll();
  EXPECT_EQ(wait.answers, 0);
  log_.FailReads(absl::OkStatus());
  Ack(AckOutcome::kUnspecified);
  awaits_.RecheckAll();
  readers_.RunAll();
  EXPECT_EQ(wait.state(), MessageState::kAcked);
}

TEST_F(AwaitRegistryTest, WhenTheTimeIsOverAnOutageIsTheAnswer) {
  const Wait& wait = Await(id_, AwaitUntil::kAcked);
  readers_.RunAll();
  readers_.Refuse(absl::UnavailableError("full"));
  awaits_.RecheckAll();
  EXPECT_EQ(wait.answers, 0);
  awaits_.Expire(wait.ticket);
  EXPECT_EQ(wait.answer.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(AwaitRegistryTest, WhoHasGoneIsForgotten) {
  const Wait& gone = Await(id_, AwaitUntil::kAcked);
  const Wait& stays = Await(id_, AwaitUntil::kAcked);
  awaits_.Forget(gone.ticket);
  awaits_.Forget(gone.ticket);
  Ack(AckOutcome::kUnspecified);
  readers_.RunAll();
  EXPECT_EQ(gone.answers, 0);
  EXPECT_EQ(stays.answers, 1);
}

TEST_F(AwaitRegistryTest, DrainEndsEveryWaitOnce) {
  const Wait& wait = Await(id_, AwaitUntil::kAcked);
  awaits_.Drain(absl::UnavailableError("stopping"));
  EXPECT_EQ(wait.answer.status().code(), absl::StatusCode::kUnavailable);
  readers_.RunAll();
  awaits_.Expire(wait.ticket);
  EXPECT_EQ(wait.answers, 1);
}

// As with streams: a call that comes while the server stops must not be left waiting.
TEST_F(AwaitRegistryTest, AWaitThatComesAfterDrainIsEndedToo) {
  awaits_.Drain(absl::UnavailableError("stopping"));
  const Wait& wait = Await(id_, AwaitUntil::kAcked);
  readers_.RunAll();
  EXPECT_EQ(wait.answer.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace signalbox::service
