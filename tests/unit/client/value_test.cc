#include "signalbox/value.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace signalbox {
namespace {

TEST(ValueTest, PrintsScalars) {
  EXPECT_EQ(Value().ToJson(), "null");
  EXPECT_EQ(Value(true).ToJson(), "true");
  EXPECT_EQ(Value(false).ToJson(), "false");
  EXPECT_EQ(Value("text").ToJson(), "\"text\"");
}

TEST(ValueTest, PrintsNumbersShortAndExact) {
  EXPECT_EQ(Value(0.001).ToJson(), "0.001");
  EXPECT_EQ(Value(0.1).ToJson(), "0.1");
  EXPECT_EQ(Value(100000).ToJson(), "100000");
  EXPECT_EQ(Value(-3).ToJson(), "-3");
  EXPECT_EQ(Value(9007199254740991.0).ToJson(), "9007199254740991");
  EXPECT_EQ(Value(1e300).ToJson(), "1e+300");
  for (const double number : {1.0 / 3, 2e-308, 5e-324, 1.7976931348623157e308, 123456.789, 1e21}) {
    EXPECT_EQ(std::strtod(Value(number).ToJson().c_str(), nullptr), number);
  }
}

TEST(ValueTest, PrintsANumberThatIsNotFiniteAsNull) {
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).ToJson(), "null");
  EXPECT_EQ(Value(std::numeric_limits<double>::quiet_NaN()).ToJson(), "null");
}

TEST(ValueTest, EscapesStrings) {
  EXPECT_EQ(Value(std::string("a\"\\\n\t\r\x01\x1b\0b", 10)).ToJson(), R"("a\"\\\n\t\r\u0001\u001b\u0000b")");
  EXPECT_EQ(Value("ä😀").ToJson(), "\"ä😀\"");
}

TEST(ValueTest, PrintsListsAndObjectsOnOneLineWithSortedKeys) {
  EXPECT_EQ(Value(Value::List{}).ToJson(), "[]");
  EXPECT_EQ(Value(Value::Object{}).ToJson(), "{}");
  const Value value = Value::Object{{"z", 1}, {"a", Value::List{1, "two", Value()}}};
  EXPECT_EQ(value.ToJson(), R"({"a":[1,"two",null],"z":1})");
}

TEST(ValueTest, ComparesByContent) {
  EXPECT_EQ(Value(Value::List{1, 2}), Value(Value::List{1, 2}));
  EXPECT_NE(Value(1), Value("1"));
  EXPECT_NE(Value(1), Value(true));
  EXPECT_EQ(*Value(1.5).as_number(), 1.5);
  EXPECT_EQ(Value(1.5).as_string(), nullptr);
}

}  // namespace
}  // namespace signalbox
