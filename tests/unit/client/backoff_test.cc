#include "backoff.h"

#include <gtest/gtest.h>

namespace signalbox::internal {
namespace {

constexpr Backoff::Options kOptions{absl::Milliseconds(100), absl::Seconds(5)};

TEST(BackoffTest, TheUpperBoundDoublesUpToTheMost) {
  Backoff backoff(kOptions, [] { return 1.0; });
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(200));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(400));
  for (int i = 0; i < 10; ++i) backoff.Next();
  EXPECT_EQ(backoff.Next(), absl::Seconds(5));
}

TEST(BackoffTest, TheWaitIsDrawnFromTheWholeSpanButNeverBelowTheLeast) {
  Backoff lowest(kOptions, [] { return 0.0; });
  for (int i = 0; i < 10; ++i) EXPECT_EQ(lowest.Next(), absl::Milliseconds(100));
  Backoff middle(kOptions, [] { return 0.5; });
  EXPECT_EQ(middle.Next(), absl::Milliseconds(150));
  EXPECT_EQ(middle.Next(), absl::Milliseconds(250));
}

TEST(BackoffTest, ResetStartsAgain) {
  Backoff backoff(kOptions, [] { return 1.0; });
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(200));
}

}  // namespace
}  // namespace signalbox::internal
