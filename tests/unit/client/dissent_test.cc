#include "dissent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signalbox::internal {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(DissentTest, NamesEachProcessWithItsReason) {
  Dissent dissent;
  EXPECT_TRUE(dissent.IsEmpty());
  dissent.Add(0, "negative");
  dissent.Add(2, "no such layer");
  EXPECT_FALSE(dissent.IsEmpty());
  EXPECT_EQ(dissent.Text(100), "process 0: negative; process 2: no such layer");
}

TEST(DissentTest, TellsOneReasonOfManyProcessesOnce) {
  Dissent dissent;
  for (const int process : {0, 1, 2, 5, 7, 8}) dissent.Add(process, process == 5 ? "disk full" : "negative");
  EXPECT_EQ(dissent.Text(100), "processes 0-2, 7-8: negative; process 5: disk full");
}

TEST(DissentTest, CutsLongReasonsSoThatAllAreNamed) {
  Dissent dissent;
  dissent.Add(1, std::string(5000, 'b'));
  dissent.Add(2, "short");
  dissent.Add(3, std::string(5000, 'd'));
  const std::string text = dissent.Text(1024);
  EXPECT_THAT(text, SizeIs(1024));
  EXPECT_THAT(text, StartsWith("process 1: " + std::string(300, 'b')));
  EXPECT_THAT(text, HasSubstr("b; process 2: short; process 3: d"));
  EXPECT_THAT(text, EndsWith(std::string(500, 'd'))) << "what others left is used";
}

TEST(DissentTest, IsNeverLongerThanAllowedAndStaysCleanText) {
  Dissent dissent;
  for (int process = 0; process < 100; ++process) dissent.Add(process, std::to_string(process) + "\xff");
  EXPECT_THAT(dissent.Text(50), SizeIs(50));
  EXPECT_EQ(dissent.Text(24), "process 0: ; process 1: ");

  Dissent binary;
  binary.Add(1, "a\xff");
  EXPECT_EQ(binary.Text(50), "process 1: a?");
}

}  // namespace
}  // namespace signalbox::internal
