// Two commits under way at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/service/commit/group_writer_fixture.h"

namespace signalbox::service {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

NewMessage DraftTo(const std::string& run, const std::string& key = "k") {
  NewMessage draft = Draft(key);
  draft.run = {.id = run};
  return draft;
}

/// The first commit is held until Continue(); what is committed beside it is not.
class CommitsSideBySideTest : public GroupWriterTest {
 protected:
  CommitsSideBySideTest() {
    log_.AddRun("run-b", "p", 2);
    HoldTheFirst();
  }
  ~CommitsSideBySideTest() override {
    Continue();
    if (writer_ != nullptr) writer_->Stop();
  }

  /// Messages of `run` that are pending already.
  std::vector<MessageId> Stored(const std::string& run, int count) {
    log_.BeforeGroup(nullptr);
    NewMessage draft = DraftTo(run);
    const NewMessage* drafts[] = {&draft};
    std::vector<MessageId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(log_.ApplyGroup(drafts, {})->appended[0].message->id);
    HoldTheFirst();
    return ids;
  }

  void Begin(GroupWriter::Options options, const NewMessage& first) {
    Make(options);
    writer_->Start();
    Publish(first);
    entered_.WaitForNotification();
  }
  void Continue() {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
  }
  std::vector<int> GroupSizes() {
    const absl::MutexLock lock(&mu_);
    return group_sizes_;
  }
  void AwaitGroups(size_t count) {
    while (GroupSizes().size() < count) std::this_thread::yield();
  }
  void AwaitAnswers(int count) {
    while (answered_ < count) std::this_thread::yield();
  }

  absl::Mutex mu_;
  absl::Notification entered_;
  absl::Notification go_on_;

 private:
  void HoldTheFirst() {
    log_.BeforeGroup([this](int size) {
      {
        const absl::MutexLock lock(&mu_);
        group_sizes_.push_back(size);
        if (group_sizes_.size() > 1) return;
      }
      entered_.Notify();
      go_on_.WaitForNotification();
    });
  }
};

TEST_F(CommitsSideBySideTest, OtherRunsDoNotWait) {
  Begin({.worthwhile = 2}, DraftTo("run-a"));
  Publish(DraftTo("run-b"));
  Publish(DraftTo("run-b"));
  AwaitAnswers(2);
  EXPECT_EQ(answers_[0].status.code(), absl::StatusCode::kUnknown) << "is still under way";
  EXPECT_THAT(GroupSizes(), ElementsAre(1, 2));
}

TEST_F(CommitsSideBySideTest, AFewWaitAndTravelTogether) {
  Begin({.worthwhile = 5}, DraftTo("run-a"));
  for (int i = 0; i < 4; ++i) Publish(DraftTo("run-b"));
  Continue();
  writer_->Stop();
  EXPECT_THAT(GroupSizes(), ElementsAre(1, 4));
  EXPECT_THAT(Codes(), Each(kOk));
}

TEST_F(CommitsSideBySideTest, ARunHasOneCommitAtATime) {
  Begin({.worthwhile = 2}, DraftTo("run-a"));
  for (int i = 0; i < 3; ++i) Publish(DraftTo("run-a"));
  PublishMany({DraftTo("run-b"), DraftTo("run-b")});
  AwaitAnswers(1);
  EXPECT_THAT(GroupSizes(), ElementsAre(1, 2)) << "passes over those that must wait";
  Continue();
  writer_->Stop();
  EXPECT_THAT(GroupSizes(), ElementsAre(1, 2, 3));
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 3, 4, 1, 2));
}

TEST_F(CommitsSideBySideTest, AcksOfARunHaveOneCommitAtATime) {
  const std::vector<MessageId> ids = Stored("run-a", 2);
  Make({.worthwhile = 1});
  writer_->Start();
  Acked of_first;
  Ack(ids[0], "w", of_first);
  entered_.WaitForNotification();
  Acked of_second;
  Ack(ids[1], "w", of_second);
  Publish(DraftTo("run-b"));
  AwaitAnswers(1);
  EXPECT_THAT(of_second.messages, IsEmpty()) << "was passed over";
  Continue();
  writer_->Stop();
  EXPECT_EQ(of_second.messages.size(), 1);
}

TEST_F(CommitsSideBySideTest, AnAckOfManyMessagesIsMuch) {
  const std::vector<MessageId> ids = Stored("run-b", 5);
  Begin({.worthwhile = 5}, DraftTo("run-a"));
  absl::Notification answered;
  writer_->Ack({.ids = ids, .consumer = "w"}, absl::InfiniteFuture(), [&](const Acked& acked) {
    EXPECT_EQ(acked.messages.size(), 5);
    answered.Notify();
  });
  EXPECT_TRUE(answered.WaitForNotificationWithTimeout(absl::Seconds(30))) << "waited for the other run";
}

TEST_F(CommitsSideBySideTest, ShareWhatWaits) {
  Make({.worthwhile = 2});
  PublishMany({DraftTo("run-a"), DraftTo("run-a"), DraftTo("run-b"), DraftTo("run-b")});
  writer_->Start();
  AwaitGroups(2);
  EXPECT_THAT(GroupSizes(), ElementsAre(2, 2));
  Continue();
  writer_->Stop();
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 1, 2));
}

TEST_F(CommitsSideBySideTest, AShareHoldsAllOfItsRuns) {
  Make({.worthwhile = 2});
  PublishMany({DraftTo("run-a"), DraftTo("run-a"), DraftTo("run-b"), DraftTo("run-a"), DraftTo("run-b")});
  writer_->Start();
  AwaitGroups(1);
  Continue();
  writer_->Stop();
  EXPECT_THAT(GroupSizes(), ElementsAre(5)) << "its second half would have to wait for its first";
}

TEST_F(CommitsSideBySideTest, ShareNothingThatIsNotWorthIt) {
  Make({.worthwhile = 2});
  PublishMany({DraftTo("run-a"), DraftTo("run-b"), DraftTo("run-b")});
  Continue();
  Finish();
  EXPECT_THAT(GroupSizes(), ElementsAre(3));
}

TEST_F(CommitsSideBySideTest, ACallKeepsItsOrderAlsoWhenItsFirstMustWait) {
  Begin({.worthwhile = 1}, DraftTo("run-a"));
  PublishMany({DraftTo("run-a"), DraftTo("run-b", "of the call")});
  Publish(DraftTo("run-b", "other"));
  AwaitAnswers(1);
  Continue();
  writer_->Stop();
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 2, 1));
}

// The two names of a run are not known for one.
TEST_F(CommitsSideBySideTest, ACallThatNamesARunInTwoWaysKeepsItsOrder) {
  Make({.group = {.items = 2}, .worthwhile = 1});
  writer_->Start();
  NewMessage by_rank = Draft("k");
  by_rank.run = {.project = "p", .rank = 1};
  PublishMany({DraftTo("run-a"), DraftTo("run-a"), by_rank});
  entered_.WaitForNotification();
  Publish(DraftTo("run-b"));
  AwaitAnswers(1);
  Continue();
  writer_->Stop();
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 3, 1));
}

TEST_F(CommitsSideBySideTest, OneThatMustGoAloneKeepsItsRun) {
  log_.AbortInGroups("shy");
  Begin({.worthwhile = 1}, DraftTo("run-a"));
  Publish(DraftTo("run-a", "shy"));
  Publish(DraftTo("run-a"));
  Continue();
  writer_->Stop();
  EXPECT_THAT(GroupSizes(), ElementsAre(1, 2, 1));
  EXPECT_THAT(Codes(), Each(kOk));
}

// Many threads, many runs: every write is answered once, subscribers are told one commit after the other,
// and of each run in its order.
TEST(CommitsSideBySide, AreToldOneAfterTheOther) {
  constexpr int kRuns = 20;
  constexpr int kPublishes = 400;
  ManualClock clock;
  FakeMessageLog log(clock.AsFunction());
  for (int run = 0; run < kRuns; ++run) log.AddRun(absl::StrCat("run-", run), "p", run + 1);
  Metrics metrics;
  int told = 0;  // not atomic: a race is a failure of the sanitizer's run
  std::map<int64_t, int64_t> heads;
  GroupWriter writer(log, {.group = {.items = 8}, .worthwhile = 1}, clock.AsFunction(), metrics,
                     [&](GroupOutcome& outcome) {
                       for (const RunChanges& changes : outcome.changes) {
                         EXPECT_EQ(changes.from.sequence, heads[changes.run_no]) << "out of order";
                         heads[changes.run_no] = changes.to.sequence;
                       }
                     });
  writer.Start();
  std::vector<std::thread> publishers;
  for (int publisher = 0; publisher < 2; ++publisher) {
    publishers.emplace_back([&] {
      for (int i = 0; i < kPublishes; ++i) {
        writer.Append(DraftTo(absl::StrCat("run-", i % kRuns)), absl::InfiniteFuture(),
                      [&](const Appended& appended) { told += appended.status.ok() ? 1 : 0; });
      }
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  writer.Stop();
  EXPECT_EQ(told, 2 * kPublishes);
  for (const auto& [run, head] : heads) EXPECT_EQ(head, 2 * kPublishes / kRuns) << "run " << run;
}

}  // namespace
}  // namespace signalbox::service
