#include "cli/duration_argument.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

TEST(DurationArgumentTest, ReadsUnits) {
  EXPECT_EQ(*ParseDurationArgument("--ttl", "30s"), absl::Seconds(30));
  EXPECT_EQ(*ParseDurationArgument("--ttl", "1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDurationArgument("--ttl", "1.5ms"), absl::Microseconds(1500));
}

TEST(DurationArgumentTest, NamesTheFlagAndShowsHowToWriteOne) {
  for (const char* text : {"30", "", "soon", "3 s"}) {
    const absl::Status status = ParseDurationArgument("--ttl", text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--ttl")) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("30s")) << text;
  }
}

TEST(DurationArgumentTest, MustBeAboveZeroAndFinite) {
  EXPECT_THAT(std::string(ParseDurationArgument("--ttl", "0s").status().message()), HasSubstr("above zero"));
  EXPECT_THAT(std::string(ParseDurationArgument("--ttl", "-5s").status().message()), HasSubstr("above zero"));
  EXPECT_THAT(std::string(ParseDurationArgument("--ttl", "inf").status().message()), HasSubstr("finite"));
}

TEST(DurationArgumentTest, AWaitMayBeZero) {
  EXPECT_EQ(*ParseWaitArgument("--timeout", "0s"), absl::ZeroDuration());
  EXPECT_FALSE(ParseWaitArgument("--timeout", "-1s").ok());
  EXPECT_FALSE(ParseWaitArgument("--timeout", "inf").ok());
}

}  // namespace
}  // namespace signalbox::cli
