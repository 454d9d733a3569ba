#include "service/read/pending_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <utility>

#include "tests/support/fake_message_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_executor.h"

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What is asked for before executor_ runs waits together.
class PendingReaderTest : public testing::Test {
 protected:
  PendingReaderTest() {
    log_.AddRun("run-a", "p", 1);
    log_.AddRun("run-b", "p", 2);
    Make({});
  }

  void Make(PendingReader::Options options) {
    reader_ = std::make_unique<PendingReader>(log_, executor_, options, clock_.AsFunction());
  }

  void Publish(const std::string& run, const std::string& key,
               absl::Duration ttl = absl::InfiniteDuration()) {
    const NewMessage draft = {.run = {.id = run}, .key = key, .value = "v", .ttl = ttl};
    const NewMessage* drafts[] = {&draft};
    ASSERT_TRUE(log_.ApplyGroup(drafts, {})->appended[0].status.ok());
  }

  void Ask(const RunRef& run, std::vector<std::string> keys = {}, int rows = 100) {
    absl::StatusOr<PendingPage>& page = pages_.emplace_back(absl::UnknownError("never answered"));
    reader_->ListPending({.run = run, .keys = std::move(keys), .limit = {rows, 1 << 20}},
                         clock_.Now() + absl::Seconds(2), [&page](const absl::StatusOr<PendingPage>& answer) {
                           EXPECT_TRUE(absl::IsUnknown(page.status())) << "answered twice";
                           page = answer;
                         });
  }

  std::vector<std::string> Keys(size_t place) {
    std::vector<std::string> keys;
    for (const MessagePtr& message : pages_[place]->messages) keys.push_back(message->key);
    return keys;
  }

  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction()};
  ManualExecutor executor_;
  std::unique_ptr<PendingReader> reader_;
  std::deque<absl::StatusOr<PendingPage>> pages_;
};

TEST_F(PendingReaderTest, WhatWaitsTogetherIsReadTogether) {
  Publish("run-a", "x");
  Publish("run-b", "y");
  Ask({.id = "run-a"});
  Ask({.id = "run-b"});
  Ask({.id = "run-a"});
  Ask({.id = "nowhere"});
  Ask({.project = "p", .rank = 2});
  EXPECT_EQ(executor_.RunAll(), 1);
  EXPECT_THAT(log_.snapshot_reads(), ElementsAre(4)) << "one for each name of a run";
  EXPECT_THAT(Keys(0), ElementsAre("x"));
  EXPECT_THAT(Keys(1), ElementsAre("y"));
  EXPECT_THAT(Keys(2), ElementsAre("x"));
  EXPECT_TRUE(absl::IsNotFound(pages_[3].status())) << pages_[3].status();
  EXPECT_THAT(Keys(4), ElementsAre("y"));
}

TEST_F(PendingReaderTest, EveryReadAsksAndSeesWhatIsNew) {
  Ask({.id = "run-a"});
  executor_.RunAll();
  Publish("run-a", "x");
  Ask({.id = "run-a"});
  executor_.RunAll();
  Ask({.id = "run-a"});
  executor_.RunAll();
  EXPECT_THAT(log_.snapshot_reads(), ElementsAre(1, 1, 1));
  EXPECT_EQ(log_.known_snapshots(), 1) << "the last one";
  EXPECT_THAT(Keys(0), IsEmpty());
  EXPECT_THAT(Keys(1), ElementsAre("x"));
  EXPECT_THAT(Keys(2), ElementsAre("x"));
}

TEST_F(PendingReaderTest, NothingOfAnotherHistoryIsTakenForKnown) {
  Ask({.id = "run-a"});
  executor_.RunAll();
  log_.SetEpoch(7);
  Ask({.id = "run-a"});
  executor_.RunAll();
  EXPECT_EQ(log_.known_snapshots(), 0);
  EXPECT_EQ(pages_[1]->run.epoch, 7);
}

TEST_F(PendingReaderTest, WhatHasExpiredIsLeftOutThoughNobodyWroteItDown) {
  Publish("run-a", "x", absl::Seconds(5));
  Publish("run-a", "y");
  Ask({.id = "run-a"});
  executor_.RunAll();
  clock_.Advance(absl::Seconds(5));
  Ask({.id = "run-a"});
  executor_.RunAll();
  EXPECT_THAT(Keys(0), ElementsAre("x", "y"));
  EXPECT_THAT(Keys(1), ElementsAre("y"));
}

TEST_F(PendingReaderTest, SaysWhenAPageIsAllOfASnapshot) {
  Publish("run-a", "x");
  Publish("run-a", "y", absl::Minutes(1));
  Ask({.id = "run-a"});
  Ask({.id = "run-a"}, {"x"});
  Ask({.id = "run-a"}, {}, 1);
  executor_.RunAll();
  clock_.Advance(absl::Minutes(1));
  Ask({.id = "run-a"});
  executor_.RunAll();
  ASSERT_NE(pages_[0]->all_of, nullptr);
  EXPECT_EQ(pages_[0]->all_of->messages, pages_[0]->messages);
  EXPECT_EQ(pages_[1]->all_of, nullptr);
  EXPECT_EQ(pages_[2]->all_of, nullptr);
  EXPECT_EQ(pages_[3]->all_of, nullptr) << "one has expired";
}

TEST_F(PendingReaderTest, TellsTheOldestOfAKeyAndHowMany) {
  Publish("run-a", "x", absl::Seconds(5));
  Publish("run-a", "y");
  Publish("run-a", "x");
  Publish("run-a", "x");
  clock_.Advance(absl::Seconds(5));
  std::vector<absl::StatusOr<PendingOfKey>> answers;
  for (const char* key : {"x", "z"}) {
    reader_->ReadPending({.id = "run-a"}, key, clock_.Now() + absl::Seconds(2),
                         [&](const absl::StatusOr<PendingOfKey>& answer) { answers.push_back(answer); });
  }
  executor_.RunAll();
  ASSERT_TRUE(answers[0].ok() && answers[1].ok());
  EXPECT_EQ(answers[0]->oldest->id.sequence, 3);
  EXPECT_EQ(answers[0]->count, 2);
  EXPECT_EQ(answers[1]->oldest, nullptr);
  EXPECT_EQ(answers[1]->count, 0);
}

TEST_F(PendingReaderTest, SelectsAsTheLogWould) {
  for (const char* key : {"x", "y", "x", "y", "x"}) Publish("run-a", key);
  const auto same = [&](PendingQuery query) {
    query.run = {.id = "run-a"};
    const absl::StatusOr<PendingPage> expected = log_.ListPending(query);
    reader_->ListPending(query, clock_.Now() + absl::Seconds(2),
                         [&](const absl::StatusOr<PendingPage>& page) {
                           EXPECT_EQ(page->messages.size(), expected->messages.size());
                           for (size_t i = 0; i < page->messages.size() && i < expected->messages.size(); ++i)
                             EXPECT_EQ(page->messages[i]->id.sequence, expected->messages[i]->id.sequence);
                           EXPECT_EQ(page->more, expected->more);
                           EXPECT_EQ(page->head, expected->head);
                         });
    EXPECT_EQ(executor_.RunAll(), 1);
  };
  same({.limit = {100, 1 << 20}});
  same({.keys = {"y", "z"}, .limit = {100, 1 << 20}});
  same({.after = 1, .up_to = 4, .limit = {100, 1 << 20}});
  same({.limit = {5, 1 << 20}});
  same({.limit = {3, 1 << 20}});
  same({.keys = {"x"}, .after = 1, .limit = {1, 1 << 20}});
  same({.limit = {100, 2}});
  same({.limit = {100, 0}});
}

TEST_F(PendingReaderTest, TooMuchForASnapshotIsReadFromTheLog) {
  Make({.limit = {2, 1 << 20}});
  for (const char* key : {"x", "y", "z"}) Publish("run-a", key);
  Ask({.id = "run-a"}, {"y", "z"}, 1);
  EXPECT_EQ(executor_.RunAll(), 2);
  EXPECT_THAT(Keys(0), ElementsAre("y"));
  EXPECT_TRUE(pages_[0]->more);
}

TEST_F(PendingReaderTest, AGroupHasItsBound) {
  Make({.group_runs = 1});
  Ask({.id = "run-a"});
  Ask({.id = "run-b"});
  executor_.RunAll();
  EXPECT_THAT(log_.snapshot_reads(), ElementsAre(1, 1));
  EXPECT_TRUE(pages_[0].ok() && pages_[1].ok());
}

TEST_F(PendingReaderTest, AFailureIsEverybodysAndPasses) {
  log_.FailReads(absl::UnavailableError("gone"));
  Ask({.id = "run-a"});
  Ask({.id = "run-b"});
  executor_.RunAll();
  log_.FailReads(absl::OkStatus());
  Ask({.id = "run-a"});
  executor_.RunAll();
  EXPECT_TRUE(absl::IsUnavailable(pages_[0].status()));
  EXPECT_TRUE(absl::IsUnavailable(pages_[1].status()));
  EXPECT_TRUE(pages_[2].ok());
}

TEST_F(PendingReaderTest, WhatIsTooLateIsNotRead) {
  Ask({.id = "run-a"});
  clock_.Advance(absl::Seconds(2));
  Ask({.id = "run-b"});
  executor_.RunAll();
  EXPECT_TRUE(absl::IsUnavailable(pages_[0].status())) << pages_[0].status();
  EXPECT_TRUE(pages_[1].ok());
  EXPECT_THAT(log_.snapshot_reads(), ElementsAre(1));
}

TEST_F(PendingReaderTest, TooManyAreRefusedAtOnce) {
  Make({.max_waiting = 1});
  Ask({.id = "run-a"});
  Ask({.id = "run-b"});
  EXPECT_TRUE(absl::IsUnavailable(pages_[1].status())) << pages_[1].status();
  executor_.RunAll();
  EXPECT_TRUE(pages_[0].ok());
}

TEST_F(PendingReaderTest, ARefusalOfTheExecutorIsTheAnswer) {
  executor_.Refuse(absl::UnavailableError("stopping"));
  Ask({.id = "run-a"});
  EXPECT_TRUE(absl::IsUnavailable(pages_[0].status()));
  executor_.Refuse(absl::OkStatus());
  Ask({.id = "run-a"});
  executor_.RunAll();
  EXPECT_TRUE(pages_[1].ok());
}

}  // namespace
}  // namespace signalbox::service
