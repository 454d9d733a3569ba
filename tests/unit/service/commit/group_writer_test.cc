#include "service/commit/group_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/service/commit/group_writer_fixture.h"

namespace signalbox::service {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST_F(GroupWriterTest, WhatArrivesDuringACommitTravelsTogether) {
  Make();
  absl::Notification entered;
  absl::Notification go_on;
  log_.BeforeGroup([&](int size) {
    group_sizes_.push_back(size);
    if (group_sizes_.size() > 1) return;
    entered.Notify();
    go_on.WaitForNotification();
  });
  writer_->Start();
  Publish(Draft("first"));
  entered.WaitForNotification();
  for (int i = 0; i < 20; ++i) Publish(Draft("later"));
  go_on.Notify();
  writer_->Stop();
  EXPECT_THAT(group_sizes_, ElementsAre(1, 20));
  EXPECT_THAT(Codes(), Each(kOk));
  for (int64_t i = 0; i < 21; ++i) EXPECT_EQ(answers_[static_cast<size_t>(i)].message->id.sequence, i + 1);
}

TEST_F(GroupWriterTest, EachWriteHasItsOwnOutcome) {
  Make();
  Publish(Draft("a", "r"));
  Publish({.run = {.id = "nowhere"}, .key = "k", .value = "v"});
  Publish(Draft("b"));
  Acked unknown;
  Ack({run_no_, 9, 9}, "w", unknown);
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(4));
  EXPECT_THAT(Codes(), ElementsAre(kOk, absl::StatusCode::kNotFound, kOk));
  EXPECT_EQ(unknown.status.code(), absl::StatusCode::kNotFound);
}

TEST_F(GroupWriterTest, SubscribersHearOfAMessageBeforeItsPublisher) {
  std::vector<std::string> order;
  GroupWriter writer(log_, {}, clock_.AsFunction(), metrics_,
                     [&](GroupOutcome&) { order.emplace_back("commit"); });
  writer.Append(Draft("k"), absl::InfiniteFuture(), [&](const Appended&) { order.emplace_back("answer"); });
  writer.Start();
  writer.Stop();
  EXPECT_THAT(order, ElementsAre("commit", "answer"));
}

TEST_F(GroupWriterTest, AGroupIsBounded) {
  Make({.group = {.items = 4}});
  for (int i = 0; i < 10; ++i) Publish(Draft("k"));
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(4, 4, 2));
  EXPECT_THAT(Codes(), Each(kOk));
}

TEST_F(GroupWriterTest, ConcurrentRepeatsOfOneRequestIdGoOneAfterTheOther) {
  Make();
  for (int i = 0; i < 5; ++i) Publish(Draft("k", "same"));
  Publish(Draft("other"));
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(2, 1, 1, 1, 1));
  EXPECT_THAT(Codes(), Each(kOk));
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(answers_[i].message->id, answers_[0].message->id);
  EXPECT_EQ(answers_[5].message->id.sequence, 2);
}

TEST_F(GroupWriterTest, RacingAcksOfOneMessageHaveOneWinner) {
  Make();
  NewMessage draft = Draft("k");
  const NewMessage* drafts[] = {&draft};
  const MessageId id = log_.ApplyGroup(drafts, {})->appended[0].message->id;
  std::deque<Acked> acked(8);
  for (size_t i = 0; i < acked.size(); ++i) Ack(id, absl::StrCat("worker-", i), acked[i]);
  Finish();
  for (const Acked& answer : acked) {
    ASSERT_TRUE(answer.status.ok()) << answer.status;
    EXPECT_EQ(answer.messages[0]->consumer, "worker-0");
  }
}

TEST_F(GroupWriterTest, AnItemThatMustGoAloneIsTriedAlone) {
  Make();
  log_.AbortInGroups("shy");
  Publish(Draft("k"));
  Publish(Draft("shy"));
  Publish(Draft("k"));
  Publish(Draft("shy"));
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(4, 1, 1));
  EXPECT_THAT(Codes(), Each(kOk));
  EXPECT_EQ(committed_, 4) << "every commit is told to subscribers";
}

TEST_F(GroupWriterTest, AnItemThatFailsAloneFailsAlone) {
  Make();
  log_.AbortInGroups("shy");
  log_.FailNextGroup(absl::OkStatus());
  log_.FailNextGroup(absl::AbortedError("lock timeout"));
  Publish(Draft("k"));
  Publish(Draft("shy"));
  Finish();
  EXPECT_THAT(Codes(), ElementsAre(kOk, kUnavailable));
}

TEST_F(GroupWriterTest, AGroupThatFailsIsTriedOneByOne) {
  for (const absl::Status& failure : {absl::AbortedError("lock timeout"), absl::InternalError("defect")}) {
    answers_.clear();
    group_sizes_.clear();
    Make();
    log_.FailNextGroup(failure);
    log_.FailNextGroup(absl::OkStatus());
    log_.FailNextGroup(failure);  // the second one is the culprit
    Publish(Draft("a"));
    Publish(Draft("b"));
    Publish(Draft("c"));
    Finish();
    EXPECT_THAT(group_sizes_, ElementsAre(3, 1, 1, 1));
    const auto culprit = absl::IsAborted(failure) ? kUnavailable : absl::StatusCode::kInternal;
    EXPECT_THAT(Codes(), ElementsAre(kOk, culprit, kOk));
  }
}

TEST_F(GroupWriterTest, ACommitInDoubtIsLeftToTheCallers) {
  Make();
  log_.FailNextGroup(absl::UnavailableError("connection lost"));
  for (int i = 0; i < 5; ++i) Publish(Draft("k"));
  Acked acked;
  Ack({run_no_, 1, 1}, "w", acked);
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(6)) << "nothing is tried again";
  EXPECT_THAT(Codes(), Each(kUnavailable));
  EXPECT_EQ(acked.status.code(), kUnavailable);
}

TEST_F(GroupWriterTest, TheDeadlineOfAWriteIsHonouredBeforeItBegins) {
  Make();
  Publish(Draft("k"), absl::Seconds(1));
  Publish(Draft("k"), absl::Seconds(3));
  clock_.Advance(absl::Seconds(2));
  Finish();
  EXPECT_THAT(Codes(), ElementsAre(kUnavailable, kOk));
  EXPECT_THAT(group_sizes_, ElementsAre(1));
}

// One run's lock that nobody gives back makes each attempt last a second. A group of many writes to
// that run must not hold up everybody else for as many seconds: whose time is over is not tried.
TEST_F(GroupWriterTest, TheDeadlineIsHonouredAlsoOneByOne) {
  Make();
  log_.BeforeGroup([this](int size) {
    group_sizes_.push_back(size);
    clock_.Advance(absl::Seconds(1));
  });
  for (int i = 0; i < 20; ++i) log_.FailNextGroup(absl::AbortedError("lock timeout"));
  for (int i = 0; i < 10; ++i) Publish(Draft("k"), absl::Milliseconds(1500));
  Finish();
  EXPECT_THAT(Codes(), Each(kUnavailable));
  EXPECT_THAT(group_sizes_, ElementsAre(10, 1));
}

TEST_F(GroupWriterTest, TheQueueIsBoundedByNumber) {
  Make({.max_waiting = 3});
  for (int i = 0; i < 5; ++i) Publish(Draft("k"));
  EXPECT_EQ(answered_, 2) << "refused at once";
  Finish();
  EXPECT_THAT(Codes(), ElementsAre(kOk, kOk, kOk, kUnavailable, kUnavailable));
}

TEST_F(GroupWriterTest, TheQueueIsBoundedByBytesAndEmpties) {
  Make({.max_waiting_bytes = 1000});
  NewMessage large = Draft("k");
  large.value = std::string(600, 'v');
  Publish(large);
  Publish(large);
  EXPECT_THAT(Codes(), ElementsAre(absl::StatusCode::kUnknown, kUnavailable));
  writer_->Start();
  while (answered_ < 2) std::this_thread::yield();
  Publish(large);
  writer_->Stop();
  EXPECT_EQ(answers_.back().status.code(), kOk) << "what was committed takes no room any more";
}

TEST_F(GroupWriterTest, RefusesWhatComesAfterStop) {
  Make();
  Publish(Draft("k"));
  Finish();
  Publish(Draft("late"));
  EXPECT_THAT(Codes(), ElementsAre(kOk, kUnavailable));
  writer_->Stop();
}

// Whoever calls Stop(), and however many at once: when it returns everything was answered.
TEST_F(GroupWriterTest, SurvivesAStormOfStartsAndStops) {
  log_.BeforeGroup(nullptr);
  for (int round = 0; round < 500; ++round) {
    std::atomic<int> answered = 0;
    std::atomic<int> sent = 0;
    GroupWriter writer(log_, {}, clock_.AsFunction(), metrics_, [](GroupOutcome&) {});
    writer.Start();
    const auto send = [&] {
      for (int i = 0; i < 3; ++i) {
        ++sent;
        writer.Append(Draft("k"), absl::InfiniteFuture(), [&](const Appended&) { ++answered; });
      }
    };
    std::thread sender(send);
    send();
    sender.join();
    std::vector<std::thread> stoppers;
    stoppers.reserve(2);
    for (int i = 0; i < 2; ++i) {
      stoppers.emplace_back([&] {
        writer.Stop();
        EXPECT_EQ(answered, sent) << "Stop() returned too early in round " << round;
      });
    }
    writer.Stop();
    EXPECT_EQ(answered, sent) << "Stop() returned too early in round " << round;
    for (std::thread& stopper : stoppers) stopper.join();
    if (HasFailure()) break;
    if (round % 100 == 0) {  // keeps the fake small
      log_.EndRun(run_no_, RunOutcome::kStopped);
      log_.ForgetRun(run_no_);
      run_no_ = log_.AddRun("run-a", "p", 1);
    }
  }
}

}  // namespace
}  // namespace signalbox::service
