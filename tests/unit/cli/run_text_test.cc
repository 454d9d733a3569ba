#include "cli/run_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const Style kPlain = {.terminal = false, .json = false, .now = absl::FromUnixSeconds(1'800'000'000)};

Run Ended() {
  Run run;
  run.id = "r1";
  run.project = "org/name";
  run.rank = 438;
  run.title = "first\x1b[2J try";
  run.labels = {{"team", "vision"}};
  run.state = RunState::kEnded;
  run.outcome = RunOutcome::kStopped;
  run.create_time = kPlain.now;
  run.head_sequence = 9;
  run.pending_count = 2;
  run.keys = {{"save", Kind::kCommand, "Write a checkpoint"}};
  return run;
}

TEST(RunTextTest, ATableHasALineForEachRun) {
  const std::string table = RunTable({Ended()}, kPlain);
  EXPECT_THAT(table, HasSubstr("r1  org/name#438  ENDED STOPPED  2        2027-01-15T08:00:00.000000Z"));
}

TEST(RunTextTest, DetailsShowEveryField) {
  const std::string details = RunDetails(Ended(), kPlain);
  for (const char* text : {"id        r1\n", "run       org/name#438\n", "state     ENDED STOPPED\n",
                           "ended     -\n", "messages  9, 2 pending\n", "label     team=vision\n",
                           "key       save  COMMAND  Write a checkpoint\n", "first\\u001b[2J try"}) {
    EXPECT_THAT(details, HasSubstr(text));
  }
  EXPECT_THAT(details, Not(HasSubstr("\x1b")));
}

TEST(RunTextTest, KeysAreATable) {
  EXPECT_EQ(KeyTable(Ended().keys), "KEY   KIND     DESCRIPTION\nsave  COMMAND  Write a checkpoint\n");
}

}  // namespace
}  // namespace signalbox::cli
