#include "service/feed/subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/service/feed/changes_builder.h"
#include "tests/unit/service/feed/event_text.h"

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kInterval = absl::Seconds(5);

absl::Time At(double seconds) { return absl::FromUnixSeconds(1'000'000) + absl::Seconds(seconds); }

std::vector<std::string> Drain(Subscriber& subscriber, absl::Time now = At(0)) {
  std::vector<std::string> texts;
  while (const std::optional<FeedEvent> event = subscriber.NextChange(now)) texts.push_back(Text(*event));
  return texts;
}

std::string Progress(Subscriber& subscriber, absl::Time now, bool caught_up, bool stale = false,
                     int64_t known_head = 0) {
  const std::optional<FeedEvent> event = subscriber.NextProgress(now, caught_up, stale, known_head);
  return event ? Text(*event) : "nothing";
}

TEST(SubscriberTest, TellsWithdrawalsBeforeMessages) {
  Subscriber subscriber({2, 0}, {}, kInterval);
  EXPECT_TRUE(subscriber.IsIdle());
  subscriber.Take(Changes({2, 0}, {4, 2}).Withdrawn(1).Withdrawn(2).Message(3).Message(4).Make());
  EXPECT_FALSE(subscriber.IsIdle());
  EXPECT_THAT(Drain(subscriber), ElementsAre("withdrawn 1", "withdrawn 2", "message 3", "message 4"));
  EXPECT_TRUE(subscriber.IsIdle());
  EXPECT_EQ(subscriber.position(), (Position{4, 2}));
}

TEST(SubscriberTest, ItsPositionMovesOnlyWhenAllWasSent) {
  Subscriber subscriber({}, {}, kInterval);
  subscriber.Take(Changes({0, 0}, {2, 0}).Message(1).Message(2).Make());
  subscriber.NextChange(At(0));
  subscriber.NextChange(At(0));
  EXPECT_EQ(subscriber.position(), (Position{0, 0}));
  EXPECT_FALSE(subscriber.NextChange(At(0)).has_value());
  EXPECT_EQ(subscriber.position(), (Position{2, 0}));
}

TEST(SubscriberTest, TellsOnlyOfItsKeys) {
  Subscriber subscriber({3, 0}, {"a", "b"}, kInterval);
  subscriber.Take(Changes({3, 0}, {7, 3})
                      .Withdrawn(1, "a")
                      .Withdrawn(2, "x")
                      .Withdrawn(3, "b")
                      .Message(4, "x")
                      .Message(5, "b")
                      .Message(6, "A")
                      .Message(7, "a")
                      .Make());
  EXPECT_THAT(Drain(subscriber), ElementsAre("withdrawn 1", "withdrawn 3", "message 5", "message 7"));
  EXPECT_EQ(subscriber.position(), (Position{7, 3})) << "others' messages count as seen";
}

TEST(SubscriberTest, PassesOverWhatHasExpiredAndNeverTellsItsWithdrawal) {
  Subscriber subscriber({}, {}, kInterval);
  subscriber.Take(
      Changes({0, 0}, {3, 0}).Message(1, "k", At(10)).Message(2, "k", At(11)).Message(3, "k", At(9)).Make());
  EXPECT_THAT(Drain(subscriber, At(10)), ElementsAre("message 2"));
  subscriber.Take(Changes({3, 0}, {3, 3}).Withdrawn(1).Withdrawn(2).Withdrawn(3).Make());
  EXPECT_THAT(Drain(subscriber, At(12)), ElementsAre("withdrawn 2"));
}

TEST(SubscriberTest, JudgesExpiryWhenAMessagesTurnComes) {
  Subscriber subscriber({}, {}, kInterval);
  subscriber.Take(Changes({0, 0}, {2, 0}).Message(1, "k", At(10)).Message(2, "k", At(10)).Make());
  EXPECT_TRUE(subscriber.NextChange(At(9)).has_value());
  EXPECT_FALSE(subscriber.NextChange(At(10)).has_value()) << "a slow reader came too late";
}

TEST(SubscriberTest, TheEndOfTheRunIsItsLastEvent) {
  Subscriber subscriber({}, {}, kInterval);
  subscriber.Take(Changes({0, 0}, {2, 2}).Ended(RunOutcome::kFailed).Make());
  EXPECT_THAT(Drain(subscriber), ElementsAre("ended 2"));
}

TEST(SubscriberTest, NothingTakenIsNothingToTell) {
  Subscriber subscriber({}, {}, kInterval);
  EXPECT_THAT(Drain(subscriber), IsEmpty());
  subscriber.Take(Changes({0, 0}, {0, 0}).Make());
  EXPECT_THAT(Drain(subscriber), IsEmpty());
}

TEST(SubscriberTest, SaysAtOnceThatTheSnapshotIsComplete) {
  Subscriber subscriber({4, 1}, {}, kInterval);
  EXPECT_EQ(Progress(subscriber, At(0), true), "synced 4+1");
  EXPECT_EQ(Progress(subscriber, At(0), true), "nothing");
  EXPECT_EQ(Progress(subscriber, At(4.9), true), "nothing");
  EXPECT_EQ(subscriber.NextProgressTime(), At(5));
  EXPECT_EQ(Progress(subscriber, At(5), true), "synced 4+1");
  EXPECT_EQ(subscriber.NextProgressTime(), At(10));
}

TEST(SubscriberTest, ALongSnapshotSaysWhereItIs) {
  Subscriber subscriber({}, {}, kInterval);
  EXPECT_EQ(Progress(subscriber, At(0), false, false, 9), "nothing") << "the interval begins with the stream";
  EXPECT_EQ(Progress(subscriber, At(4), false, false, 9), "nothing");
  EXPECT_EQ(Progress(subscriber, At(5), false, false, 9), "at 0+0 of 9");
  EXPECT_EQ(Progress(subscriber, At(6), true, false, 9), "synced 0+0") << "its head is the cursor's position";
}

TEST(SubscriberTest, TheHeadIsNeverBehindThePosition) {
  Subscriber subscriber({7, 0}, {}, kInterval);
  Progress(subscriber, At(0), false);
  EXPECT_EQ(Progress(subscriber, At(5), false, false, 3), "at 7+0");
}

TEST(SubscriberTest, SaysAtOnceWhenStalenessChanges) {
  Subscriber subscriber({}, {}, kInterval);
  Progress(subscriber, At(0), true);
  EXPECT_EQ(Progress(subscriber, At(1), true, true), "stale synced 0+0");
  EXPECT_EQ(Progress(subscriber, At(2), true, true), "nothing");
  EXPECT_EQ(Progress(subscriber, At(6), true, true), "stale synced 0+0") << "the heartbeat goes on";
  EXPECT_EQ(Progress(subscriber, At(7), true, false), "synced 0+0");
}

TEST(SubscriberTest, AStreamThatBeginsDuringAnOutageSaysSo) {
  Subscriber subscriber({}, {}, kInterval);
  EXPECT_EQ(Progress(subscriber, At(0), false, true), "stale at 0+0");
  EXPECT_EQ(Progress(subscriber, At(3), true, false), "synced 0+0");
}

}  // namespace
}  // namespace signalbox::service
