#include "cli/exit_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

// Scripts rely on the numbers.
TEST(ExitCodeTest, EachKindOfErrorHasItsNumber) {
  const std::vector<std::pair<absl::StatusCode, int>> table = {
      {absl::StatusCode::kOk, 0},
      {absl::StatusCode::kInternal, 1},
      {absl::StatusCode::kUnknown, 1},
      {absl::StatusCode::kUnimplemented, 1},
      {absl::StatusCode::kInvalidArgument, 2},
      {absl::StatusCode::kNotFound, 3},
      {absl::StatusCode::kFailedPrecondition, 4},
      {absl::StatusCode::kOutOfRange, 4},
      {absl::StatusCode::kAlreadyExists, 5},
      {absl::StatusCode::kResourceExhausted, 6},
      {absl::StatusCode::kUnavailable, 7},
      {absl::StatusCode::kDeadlineExceeded, 7},
      {absl::StatusCode::kAborted, 7},
      {absl::StatusCode::kUnauthenticated, 8},
      {absl::StatusCode::kPermissionDenied, 8},
  };
  for (const auto& [status, code] : table) {
    EXPECT_EQ(static_cast<int>(ExitCodeOf(absl::Status(status, "text"))), code)
        << absl::StatusCodeToString(status);
  }
}

TEST(ExitCodeTest, HelpListsThemAll) {
  const std::string help = ExitCodeHelp();
  for (const char* start : {"  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  6  ", "  7  ", "  8  ",
                            "  9  ", " 10  ", "130  "}) {
    EXPECT_THAT(help, HasSubstr(start));
  }
}

}  // namespace
}  // namespace signalbox::cli
