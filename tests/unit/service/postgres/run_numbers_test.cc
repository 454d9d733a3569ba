#include "service/postgres/run_numbers.h"

#include <gtest/gtest.h>

namespace signalbox::service {
namespace {

TEST(RunNumbersTest, KnowsWhatItLearnedLast) {
  RunNumbers numbers;
  EXPECT_EQ(numbers.Find("a"), std::nullopt);
  numbers.Learn("a", 1);
  numbers.Learn("b", 2);
  numbers.Learn("a", 3);
  EXPECT_EQ(numbers.Find("a"), 3);
  EXPECT_EQ(numbers.Find("b"), 2);
}

TEST(RunNumbersTest, ForgetsRatherThanGrow) {
  RunNumbers numbers(2);
  numbers.Learn("a", 1);
  numbers.Learn("b", 2);
  numbers.Learn("b", 3);  // is no more than there was
  EXPECT_EQ(numbers.Find("a"), 1);
  numbers.Learn("c", 4);
  EXPECT_EQ(numbers.Find("a"), std::nullopt);
  EXPECT_EQ(numbers.Find("c"), 4);
}

}  // namespace
}  // namespace signalbox::service
