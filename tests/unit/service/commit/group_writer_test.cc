#include "service/commit/group_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/support/fake_message_log.h"
#include "tests/support/manual_clock.h"

namespace signalbox::service {
namespace {

using testing::Each;
using testing::ElementsAre;

NewMessage Draft(const std::string& key, const std::string& request_id = "") {
  NewMessage draft = {.run = {.id = "run-a"}, .key = key, .value = "v"};
  draft.request_id = request_id;
  draft.fingerprint = request_id.empty() ? "" : key;
  return draft;
}

// What waits before Start() is the first group; Stop() commits all of it.
class GroupWriterTest : public testing::Test {
 protected:
  GroupWriterTest() {
    run_no_ = log_.AddRun("run-a", "p", 1);
    log_.BeforeGroup([this](int size) { group_sizes_.push_back(size); });
  }

  void Make(GroupWriter::Options options = {}) {
    writer_ = std::make_unique<GroupWriter>(log_, options, clock_.AsFunction(), metrics_,
                                            [this](GroupOutcome& outcome) {
                                              for (const RunChanges& changes : outcome.changes)
                                                committed_ += static_cast<int>(changes.messages.size());
                                            });
  }
  void Publish(const NewMessage& draft, absl::Duration patience = absl::Seconds(2)) {
    Appended& answer = answers_.emplace_back();
    answer.status = absl::UnknownError("never answered");
    writer_->Append(draft, clock_.Now() + patience, [this, &answer](const Appended& appended) {
      EXPECT_EQ(answer.status.code(), absl::StatusCode::kUnknown) << "answered twice";
      answer = appended;
      ++answered_;
    });
  }
  // Answers the next of `answers_`, one for each draft.
  void PublishMany(const std::vector<absl::StatusOr<NewMessage>>& drafts,
                   absl::Duration patience = absl::Seconds(2)) {
    const size_t first = answers_.size();
    answers_.resize(first + drafts.size(), {.status = absl::UnknownError("never answered")});
    writer_->AppendMany(drafts, clock_.Now() + patience,
                        [this, first, size = drafts.size()](const std::vector<Appended>& appended) {
                          ASSERT_EQ(appended.size(), size);
                          std::ranges::copy(appended, answers_.begin() + static_cast<std::ptrdiff_t>(first));
                          ++answered_;
                        });
  }
  void Ack(const MessageId& id, const std::string& consumer, Acked& answer) {
    writer_->Ack({.ids = {id}, .consumer = consumer}, absl::InfiniteFuture(),
                 [&answer](const Acked& acked) { answer = acked; });
  }
  void Finish() {
    writer_->Start();
    writer_->Stop();
  }
  std::vector<int64_t> Sequences() const {
    std::vector<int64_t> sequences;
    for (const Appended& answer : answers_)
      sequences.push_back(answer.message == nullptr ? 0 : answer.message->id.sequence);
    return sequences;
  }
  std::vector<absl::StatusCode> Codes() const {
    std::vector<absl::StatusCode> codes;
    for (const Appended& answer : answers_) codes.push_back(answer.status.code());
    return codes;
  }

  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction()};
  int64_t run_no_ = 0;
  std::vector<int> group_sizes_;
  std::atomic<int> committed_ = 0;
  std::atomic<int> answered_ = 0;
  std::deque<Appended> answers_;  // references stay valid
  Metrics metrics_;
  std::unique_ptr<GroupWriter> writer_;
};

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

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

TEST_F(GroupWriterTest, ThePublishesOfOneCallTravelTogether) {
  Make();
  Publish(Draft("before"));
  const NewMessage nowhere = {.run = {.id = "nowhere"}, .key = "k", .value = "v"};
  PublishMany({Draft("a"), nowhere, Draft("b", "r")});
  Publish(Draft("after"));
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(5));
  EXPECT_EQ(answered_, 3) << "one answer for the call";
  EXPECT_THAT(Codes(), ElementsAre(kOk, kOk, absl::StatusCode::kNotFound, kOk, kOk));
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 0, 3, 4));
}

TEST_F(GroupWriterTest, WhatIsRefusedAlreadyIsNotWritten) {
  Make();
  const absl::Status bad = absl::InvalidArgumentError("key");
  PublishMany({bad, bad});
  EXPECT_EQ(answered_, 1) << "nothing to wait for";
  PublishMany({bad, Draft("k"), bad});
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(1));
  EXPECT_EQ(answers_.back().status, bad);
  EXPECT_THAT(Sequences(), ElementsAre(0, 0, 0, 1, 0));
}

TEST_F(GroupWriterTest, ACallLargerThanAGroupIsAnsweredAfterItsLastCommit) {
  Make({.group = {.items = 4}});
  PublishMany({10, Draft("k")});
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(4, 4, 2));
  EXPECT_EQ(answered_, 1);
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

// A small publish fits where a large one did not.
TEST_F(GroupWriterTest, NoPublishOfACallOvertakesAnother) {
  Make({.group = {.items = 100, .bytes = 1000}});
  NewMessage large = Draft("large");
  large.value = std::string(700, 'v');
  Publish(large);
  PublishMany({Draft("a"), large, Draft("b"), large, Draft("c")});
  Publish(Draft("other"));
  Finish();
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 4, 5, 6, 7, 3));
  EXPECT_THAT(group_sizes_, ElementsAre(3, 2, 2)) << "others need not wait for it";
}

TEST_F(GroupWriterTest, ACallThatIsRepeatedWhileItWaitsPublishesOnce) {
  Make();
  PublishMany({Draft("a", "1"), Draft("b", "2")});
  PublishMany({Draft("b", "2"), Draft("a", "1"), Draft("c", "3")});
  Finish();
  EXPECT_THAT(Codes(), Each(kOk));
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 2, 1, 3));
}

TEST_F(GroupWriterTest, ARequestIdTwiceInOneCallIsARepeat) {
  Make();
  NewMessage other = Draft("a", "1");
  other.fingerprint = "other";
  NewMessage nowhere = Draft("a", "1");
  nowhere.run = {.id = "nowhere"};
  NewMessage other_nowhere = other;
  other_nowhere.run = nowhere.run;
  PublishMany({Draft("a", "1"), Draft("b"), Draft("a", "1"), other, nowhere, nowhere, other_nowhere});
  Finish();
  constexpr auto kNotFound = absl::StatusCode::kNotFound;
  EXPECT_THAT(Codes(),
              ElementsAre(kOk, kOk, kOk, absl::StatusCode::kAlreadyExists, kNotFound, kNotFound, kNotFound));
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 1, 0, 0, 0, 0));
  EXPECT_THAT(group_sizes_, ElementsAre(3)) << "repeats need no groups of their own";
}

TEST_F(GroupWriterTest, ThePublishesOfOneCallAreRefusedTogetherWhenTooManyWait) {
  Make({.max_waiting = 3});
  Publish(Draft("k"));
  PublishMany({3, Draft("k")});
  PublishMany({2, Draft("k")});
  Finish();
  EXPECT_THAT(Codes(), ElementsAre(kOk, kUnavailable, kUnavailable, kUnavailable, kOk, kOk));
  EXPECT_THAT(Sequences(), ElementsAre(1, 0, 0, 0, 2, 3));
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
