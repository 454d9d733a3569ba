#include "retired.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace signalbox::internal {
namespace {

using Number = std::shared_ptr<const int>;

TEST(RetiredTest, FreesWhatNobodyElseHolds) {
  Retired<int> retired;
  Number held = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watched = held;
  retired.Keep(held);
  retired.Keep(nullptr);
  retired.Free();
  held.reset();
  EXPECT_FALSE(watched.expired()) << "it is freed by Free(), not by who lets go last";
  retired.Free();
  EXPECT_TRUE(watched.expired());
}

TEST(RetiredTest, KeepsNoMoreThanItsLimitAndLetsGoOfTheOldest) {
  constexpr std::size_t kTooMany = 3;
  Retired<int> retired;
  std::vector<Number> held;
  for (std::size_t i = 0; i < Retired<int>::kLimit + kTooMany; ++i) {
    held.push_back(std::make_shared<const int>(0));
    retired.Keep(held.back());
  }
  retired.Free();
  for (std::size_t i = 0; i < held.size(); ++i) EXPECT_EQ(held[i].use_count(), i < kTooMany ? 1 : 2) << i;
}

TEST(RetiredTest, WhatIsHeldOutlivesIt) {
  const auto held = std::make_shared<const int>(1);
  {
    Retired<int> retired;
    retired.Keep(held);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace signalbox::internal
