#include "service/feed/run_feed.h"

#include <gtest/gtest.h>

#include "tests/unit/service/feed/changes_builder.h"

namespace signalbox::service {
namespace {

using Fit = RunFeed::Fit;

TEST(RunFeedTest, KnowsNothingAtFirst) {
  const RunFeed feed;
  EXPECT_FALSE(feed.head().has_value());
  EXPECT_EQ(feed.After({0, 0}), nullptr);
}

TEST(RunFeedTest, TakesWhateverComesFirst) {
  RunFeed feed;
  EXPECT_EQ(feed.Add(Changes({7, 2}, {8, 2}).Message(8).Make()), Fit::kUnknown);
  EXPECT_EQ(*feed.head(), (Position{8, 2}));
  EXPECT_NE(feed.After({7, 2}), nullptr);
}

TEST(RunFeedTest, TakesWhatComesNext) {
  RunFeed feed;
  EXPECT_TRUE(feed.Observe({7, 2}));
  const auto next = Changes({7, 2}, {8, 3}).Message(8).Make();
  EXPECT_EQ(feed.Add(next), Fit::kNext);
  EXPECT_EQ(*feed.head(), (Position{8, 3}));
  EXPECT_EQ(feed.After({7, 2}), next);
  EXPECT_EQ(feed.After({8, 3}), nullptr);
  EXPECT_EQ(feed.After({7, 3}), nullptr) << "no record begins there";
}

TEST(RunFeedTest, DropsWhatItKnows) {
  RunFeed feed;
  feed.Observe({8, 3});
  EXPECT_EQ(feed.Add(Changes({7, 2}, {8, 3}).Make()), Fit::kKnown);
  EXPECT_EQ(feed.Add(Changes({6, 2}, {7, 2}).Make()), Fit::kKnown);
  EXPECT_EQ(feed.After({7, 2}), nullptr);
  EXPECT_EQ(*feed.head(), (Position{8, 3}));
}

TEST(RunFeedTest, NoticesAGap) {
  RunFeed feed;
  feed.Observe({8, 3});
  EXPECT_EQ(feed.Add(Changes({9, 3}, {10, 3}).Make()), Fit::kGap);
  EXPECT_EQ(feed.Add(Changes({8, 4}, {8, 5}).Make()), Fit::kGap);
  EXPECT_EQ(feed.Add(Changes({7, 3}, {10, 3}).Make()), Fit::kGap) << "an overlap is not what comes next";
  EXPECT_EQ(feed.Add(Changes({9, 2}, {9, 3}).Make()), Fit::kGap);
  EXPECT_EQ(*feed.head(), (Position{8, 3})) << "a gap is not taken";
}

TEST(RunFeedTest, TheEndOfARunIsNeverKnownAlready) {
  RunFeed feed;
  feed.Observe({8, 3});
  EXPECT_EQ(feed.Add(Changes({8, 3}, {8, 3}).Ended(RunOutcome::kStopped).Make()), Fit::kNext);
  ASSERT_NE(feed.After({8, 3}), nullptr);
  EXPECT_TRUE(feed.After({8, 3})->ended.has_value());
}

TEST(RunFeedTest, ObserveTellsWhetherAPositionIsNews) {
  RunFeed feed;
  EXPECT_TRUE(feed.Observe({5, 5}));
  EXPECT_TRUE(feed.Observe({5, 5}));
  EXPECT_TRUE(feed.Observe({4, 5}));
  EXPECT_FALSE(feed.Observe({6, 5}));
  EXPECT_FALSE(feed.Observe({5, 6}));
  EXPECT_EQ(*feed.head(), (Position{5, 5})) << "what was only observed cannot be served";
}

TEST(RunFeedTest, KeepsABoundedNumberOfRecords) {
  RunFeed feed;
  feed.Observe({0, 0});
  const auto count = static_cast<int64_t>(RunFeed::kMaxRecords) + 10;
  for (int64_t i = 0; i < count; ++i) feed.Add(Changes({i, 0}, {i + 1, 0}).Message(i + 1).Make());
  EXPECT_EQ(feed.After({9, 0}), nullptr);
  for (int64_t i = 10; i < count; ++i) EXPECT_NE(feed.After({i, 0}), nullptr);
  EXPECT_EQ(feed.head()->sequence, count);
}

TEST(RunFeedTest, KeepsABoundedNumberOfBytes) {
  RunFeed feed;
  feed.Observe({0, 0});
  constexpr size_t kThird = RunFeed::kMaxBytes / 3;
  for (int64_t i = 0; i < 5; ++i) feed.Add(Changes({i, 0}, {i + 1, 0}).LargeMessage(i + 1, kThird).Make());
  EXPECT_EQ(feed.After({2, 0}), nullptr);
  EXPECT_NE(feed.After({3, 0}), nullptr);
  EXPECT_NE(feed.After({4, 0}), nullptr);
  feed.Add(Changes({5, 0}, {6, 0}).LargeMessage(6, RunFeed::kMaxBytes + 1).Make());
  EXPECT_EQ(feed.After({5, 0}), nullptr) << "what alone is too large is not kept";
  EXPECT_EQ(feed.head()->sequence, 6);
  feed.Add(Changes({6, 0}, {7, 0}).Message(7).Make());
  EXPECT_NE(feed.After({6, 0}), nullptr) << "and does not keep others out afterwards";
}

TEST(CoversTest, NeedsBothParts) {
  EXPECT_TRUE(Covers({3, 3}, {3, 3}));
  EXPECT_TRUE(Covers({4, 3}, {3, 3}));
  EXPECT_FALSE(Covers({4, 2}, {3, 3}));
  EXPECT_FALSE(Covers({2, 4}, {3, 3}));
}

}  // namespace
}  // namespace signalbox::service
