#include "service/postgres/known_heads.h"

#include <gtest/gtest.h>

namespace signalbox::service {
namespace {

constexpr int64_t kNow = 11;  // incarnations
constexpr int64_t kNext = 13;

TEST(KnownHeadsTest, KnowsTheFurthestThatWasSeen) {
  KnownHeads heads;
  EXPECT_EQ(heads.Find(1).position, Position{});
  EXPECT_EQ(heads.Find(1).newest_in, 0);
  heads.Commit(1, {4, 3}, {5, 3}, kNow);
  heads.Commit(2, {}, {6, 0}, kNow);
  heads.See(1, {5, 4}, kNow);
  heads.See(1, {3, 1}, kNow);  // is late
  EXPECT_EQ(heads.Find(1).position, (Position{5, 4}));
  EXPECT_EQ(heads.Find(2).position, (Position{6, 0}));
  EXPECT_EQ(heads.Find(1).newest_in, kNow);
}

TEST(KnownHeadsTest, ARunThatMovedOnWithoutUsIsShared) {
  KnownHeads heads;
  heads.Commit(1, {4, 0}, {5, 0}, kNow);
  heads.Commit(1, {5, 2}, {6, 2}, kNow);  // only its messages left PENDING
  EXPECT_EQ(heads.Find(1).newest_in, kNow);
  heads.Commit(1, {7, 2}, {8, 2}, kNow);
  EXPECT_EQ(heads.Find(1).position, (Position{8, 2}));
  EXPECT_EQ(heads.Find(1).newest_in, 0);
  heads.Commit(1, {8, 2}, {9, 2}, kNow);
  EXPECT_EQ(heads.Find(1).newest_in, 0);
}

TEST(KnownHeadsTest, OurOwnCommitMayBeSeenBeforeItIsToldOf) {
  KnownHeads heads;
  heads.Commit(1, {4, 0}, {5, 0}, kNow);
  heads.See(1, {7, 0}, kNow);
  heads.Commit(1, {5, 0}, {7, 0}, kNow);
  EXPECT_EQ(heads.Find(1).newest_in, kNow);
}

TEST(KnownHeadsTest, AnotherIncarnationBeginsAnew) {
  KnownHeads heads;
  heads.Commit(1, {4, 3}, {5, 3}, kNow);
  heads.Commit(2, {4, 3}, {5, 3}, kNow);
  heads.See(1, {9, 9}, kNext);
  EXPECT_EQ(heads.Find(1).position, (Position{5, 3}));
  heads.Commit(1, {2, 1}, {3, 1}, kNext);
  EXPECT_EQ(heads.Find(1).position, (Position{3, 1}));
  EXPECT_EQ(heads.Find(1).newest_in, kNext);
  EXPECT_EQ(heads.Find(2).newest_in, 0);
}

TEST(KnownHeadsTest, ForgetsRatherThanGrow) {
  KnownHeads heads(2);
  heads.Commit(1, {}, {1, 0}, kNow);
  heads.Commit(2, {}, {1, 0}, kNow);
  heads.Commit(2, {1, 0}, {2, 0}, kNow);  // is no more than there was
  heads.See(3, {1, 0}, kNow);
  EXPECT_EQ(heads.Find(1).position, (Position{1, 0}));
  EXPECT_EQ(heads.Find(3).position, Position{});
  heads.Commit(3, {}, {1, 0}, kNow);
  EXPECT_EQ(heads.Find(1).position, Position{});
  EXPECT_EQ(heads.Find(3).position, (Position{1, 0}));
}

}  // namespace
}  // namespace signalbox::service
