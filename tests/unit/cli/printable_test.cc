#include "cli/printable.h"

#include <gtest/gtest.h>

#include <string>

namespace signalbox::cli {
namespace {

TEST(PrintableTest, LeavesTextAlone) {
  EXPECT_EQ(Printable("learning-rate = 0.05"), "learning-rate = 0.05");
  EXPECT_EQ(Printable("größer 学习率 🚀"), "größer 学习率 🚀");
  EXPECT_EQ(Printable(""), "");
}

TEST(PrintableTest, EscapesWhatATerminalObeys) {
  EXPECT_EQ(Printable("\x1b[31mred"), "\\u001b[31mred");
  EXPECT_EQ(Printable("a\r\n\tb"), "a\\r\\n\\tb");
  EXPECT_EQ(Printable(std::string("a\0b", 3)), "a\\u0000b");
  EXPECT_EQ(Printable("\x7f"), "\\u007f");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\u009b");  // C1: a second way to start an escape sequence.
}

TEST(PrintableTest, EscapesMarksThatReorderText) {
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\u202e");
  EXPECT_EQ(Printable("\xe2\x81\xa6"), "\\u2066");
  EXPECT_EQ(Printable("\xe2\x80\xa8"), "\\u2028");
}

TEST(PrintableTest, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(Printable("\xff"), "\\xff");
  EXPECT_EQ(Printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(Printable("\xe2\x82"), "\\xe2\\x82");           // cut off
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(PrintableTest, KeepsTheLayoutOfJson) {
  EXPECT_EQ(PrintableJson("{\n  \"a\": \"\xc2\x9b\x7f\"\n}"), "{\n  \"a\": \"\\u009b\\u007f\"\n}");
}

TEST(PrintableTest, CountsCodePoints) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("größer"), 6U);
}

TEST(PrintableTest, TruncatesBetweenCodePoints) {
  EXPECT_EQ(Truncated("größer", 6), "größer");
  EXPECT_EQ(Truncated("größer", 4), "grö…");
  EXPECT_EQ(Truncated("größer", 1), "…");
  EXPECT_EQ(Truncated("größer", 0), "");
}

}  // namespace
}  // namespace signalbox::cli
