#include "text.h"

#include <gtest/gtest.h>

namespace signalbox::internal {
namespace {

TEST(TextTest, KnowsUtf8) {
  for (const char* good : {"", "plain", "ä€😀", "\x7f", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(IsUtf8(good)) << good;
  EXPECT_TRUE(IsUtf8(std::string_view("a\0b", 3)));
  for (const char* bad :
       {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(TextTest, CutsBetweenCharacters) {
  EXPECT_EQ(CleanErrorText("aä", 3), "aä");
  EXPECT_EQ(CleanErrorText("aä", 2), "a");
  EXPECT_EQ(CleanErrorText("😀", 3), "");
}

TEST(TextTest, ReplacesBadBytesAndNul) {
  EXPECT_EQ(CleanErrorText(std::string_view("a\0b\xff"
                                            "c\xe2\x82",
                                            7),
                           100),
            "a?b?c??");
}

}  // namespace
}  // namespace signalbox::internal
