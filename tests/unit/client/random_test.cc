#include "random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signalbox::internal {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

TEST(RandomTest, IdsAreHexadecimalAndDiffer) {
  EXPECT_THAT(RandomId(), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_NE(RandomId(), RandomId());
}

TEST(RandomTest, IdsByTimeBeginWithMilliseconds) {
  const std::string id = TimeOrderedId(absl::FromUnixMillis(0x0123456789ab));
  EXPECT_THAT(id, MatchesRegex("0123456789ab[0-9a-f]{20}"));
  EXPECT_NE(id, TimeOrderedId(absl::FromUnixMillis(0x0123456789ab)));
  EXPECT_THAT(TimeOrderedId(absl::UnixEpoch()), StartsWith("000000000000"));
}

TEST(RandomTest, IdsByTimeSortByTime) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_LT(TimeOrderedId(now), TimeOrderedId(now + absl::Milliseconds(1)));
  EXPECT_LT(TimeOrderedId(now), TimeOrderedId(now + absl::Hours(24 * 365)));
}

}  // namespace
}  // namespace signalbox::internal
