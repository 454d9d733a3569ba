#include "cli/time_text.h"

#include <gtest/gtest.h>

namespace signalbox::cli {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(TimeTextTest, IsoTimeIsUtcWithMicroseconds) {
  EXPECT_EQ(IsoTime(kNow + absl::Microseconds(250)), "2027-01-15T08:00:00.000250Z");
  EXPECT_EQ(IsoTime(absl::InfiniteFuture()), "");
}

TEST(TimeTextTest, RelativeTimeUsesTheLargestUnitThatFits) {
  EXPECT_EQ(RelativeTime(kNow - absl::Seconds(59), kNow), "59s ago");
  EXPECT_EQ(RelativeTime(kNow - absl::Seconds(61), kNow), "1m ago");
  EXPECT_EQ(RelativeTime(kNow - absl::Hours(23), kNow), "23h ago");
  EXPECT_EQ(RelativeTime(kNow - absl::Hours(49), kNow), "2d ago");
  EXPECT_EQ(RelativeTime(kNow + absl::Minutes(5), kNow), "in 5m");
  EXPECT_EQ(RelativeTime(kNow + absl::Milliseconds(10), kNow), "now");
}

TEST(TimeTextTest, LongAgoIsADate) {
  EXPECT_EQ(RelativeTime(kNow - absl::Hours(24 * 40), kNow), "2026-12-06");
  EXPECT_EQ(RelativeTime(absl::InfiniteFuture(), kNow), "");
}

}  // namespace
}  // namespace signalbox::cli
