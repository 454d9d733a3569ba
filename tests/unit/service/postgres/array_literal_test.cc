#include "service/postgres/array_literal.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace signalbox::service {
namespace {

TEST(ArrayLiteralTest, IsEmptyAtFirst) { EXPECT_EQ(ArrayLiteral().Finish(), "{}"); }

TEST(ArrayLiteralTest, HoldsNumbersAndNulls) {
  ArrayLiteral array;
  array.Add(0);
  array.AddNull();
  array.Add(-7);
  array.Add(std::numeric_limits<int64_t>::min());
  array.Add(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(std::move(array).Finish(), "{0,NULL,-7,-9223372036854775808,9223372036854775807}");
}

TEST(ArrayLiteralTest, QuotesTextSoThatNothingInItHasAMeaning) {
  ArrayLiteral array;
  for (const char* text : {"", "NULL", "a,b", "{}", "say \"hi\"", "back\\slash", " blank ", "läuft"})
    array.AddText(text);
  EXPECT_EQ(std::move(array).Finish(),
            R"({"","NULL","a,b","{}","say \"hi\"","back\\slash"," blank ","läuft"})");
}

TEST(ArrayLiteralTest, WritesBytesAsHex) {
  ArrayLiteral array;
  array.AddBytes("");
  array.AddBytes(std::string("\x00\x0f\xff\x7f", 4));
  EXPECT_EQ(std::move(array).Finish(), R"({"\\x","\\x000fff7f"})");
}

TEST(ArrayLiteralTest, IsLeftOutWhenItSaysNothing) {
  ArrayLiteral blank;
  blank.AddNull();
  blank.Add(0);
  blank.AddText("");
  EXPECT_EQ(std::move(blank).FinishUnlessBlank(), "{}");
  ArrayLiteral number;
  number.Add(0);
  number.Add(3);
  EXPECT_EQ(std::move(number).FinishUnlessBlank(), "{0,3}");
  ArrayLiteral text;
  text.AddNull();
  text.AddText("x");
  EXPECT_EQ(std::move(text).FinishUnlessBlank(), R"({NULL,"x"})");
  ArrayLiteral bytes;  // no bytes are something else than null
  bytes.AddBytes("");
  EXPECT_EQ(std::move(bytes).FinishUnlessBlank(), R"({"\\x"})");
}

}  // namespace
}  // namespace signalbox::service
