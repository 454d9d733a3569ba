#include "service/postgres/known_heads.h"

#include <gtest/gtest.h>

namespace signalbox::service {
namespace {

TEST(KnownHeadsTest, KnowsWhatItLearnedLast) {
  KnownHeads heads;
  EXPECT_EQ(heads.Find(1), Position{});
  heads.Learn(1, {5, 3});
  heads.Learn(2, {6, 0});
  heads.Learn(1, {4, 2});  // as after a restore
  EXPECT_EQ(heads.Find(1), (Position{4, 2}));
  EXPECT_EQ(heads.Find(2), (Position{6, 0}));
}

TEST(KnownHeadsTest, ForgetsRatherThanGrow) {
  KnownHeads heads(2);
  heads.Learn(1, {1, 0});
  heads.Learn(2, {1, 0});
  heads.Learn(2, {2, 0});  // is no more than there was
  EXPECT_EQ(heads.Find(1), (Position{1, 0}));
  heads.Learn(3, {1, 0});
  EXPECT_EQ(heads.Find(1), Position{});
  EXPECT_EQ(heads.Find(3), (Position{1, 0}));
}

}  // namespace
}  // namespace signalbox::service
