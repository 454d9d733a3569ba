#include "cli/run_argument.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

void ExpectRun(const RunArgument& argument, const std::string& id, const std::string& project, int64_t rank) {
  const absl::StatusOr<RunRef> run = ResolveRun(argument);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->id, id);
  EXPECT_EQ(run->project, project);
  EXPECT_EQ(run->rank, rank);
}

void ExpectRefused(const RunArgument& argument, const std::string& text) {
  const absl::StatusOr<RunRef> run = ResolveRun(argument);
  ASSERT_EQ(run.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(run.status().message()), HasSubstr(text));
}

TEST(RunArgumentTest, TakesAnId) {
  ExpectRun({.run = "r1"}, "r1", "", 0);
  ExpectRun({.run = "438a"}, "438a", "", 0);
}

TEST(RunArgumentTest, TakesDigitsAsARankInAProject) {
  ExpectRun({.run = "438", .project = "org/name"}, "", "org/name", 438);
  ExpectRun({.run = "438", .environment_project = "org/name"}, "", "org/name", 438);
}

TEST(RunArgumentTest, FallsBackToTheEnvironment) {
  ExpectRun({.environment_run = "r1"}, "r1", "", 0);
  ExpectRun({.environment_run = "7", .environment_project = "p"}, "", "p", 7);
  ExpectRun({.project = "q", .environment_run = "7", .environment_project = "p"}, "", "q", 7);
}

TEST(RunArgumentTest, FlagsWinOverTheEnvironment) {
  ExpectRun({.run = "r1", .environment_run = "r2", .environment_project = "p"}, "r1", "", 0);
  ExpectRun({.run = "1", .project = "q", .environment_run = "r2", .environment_project = "p"}, "", "q", 1);
}

TEST(RunArgumentTest, SaysWhatIsMissing) {
  ExpectRefused({}, "use --run");
  ExpectRefused({.project = "p"}, "use --run");
  ExpectRefused({.run = "438"}, "rank 438 needs a project");
}

TEST(RunArgumentTest, RefusesAProjectBesideAnId) {
  ExpectRefused({.run = "r1", .project = "p"}, "drop --project");
}

TEST(RunArgumentTest, RefusesRanksThatCannotBe) {
  ExpectRefused({.run = "0", .project = "p"}, "rank 0");
  ExpectRefused({.run = "99999999999999999999", .project = "p"}, "not a number from 1");
}

}  // namespace
}  // namespace signalbox::cli
