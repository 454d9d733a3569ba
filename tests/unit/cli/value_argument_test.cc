#include "cli/value_argument.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

Value Parse(const std::string& text) {
  const absl::StatusOr<Value> value = ParseValueArgument("--value", text);
  EXPECT_TRUE(value.ok()) << text << ": " << value.status();
  return value.ok() ? *value : Value("not parsed");
}

std::string Refusal(const std::string& text) {
  const absl::StatusOr<Value> value = ParseValueArgument("--value", text);
  EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(value.status().message());
}

std::string Nested(int depth, const std::string& inner) {
  return std::string(depth, '[') + inner + std::string(depth, ']');
}

TEST(ValueArgumentTest, ReadsJson) {
  EXPECT_EQ(Parse("null"), Value());
  EXPECT_EQ(Parse("true"), Value(true));
  EXPECT_EQ(Parse("0.05"), Value(0.05));
  EXPECT_EQ(Parse("-1"), Value(-1));
  EXPECT_EQ(Parse(" 1e-3 "), Value(0.001));
  EXPECT_EQ(Parse("\"42\""), Value("42"));
  EXPECT_EQ(Parse("[]"), Value(Value::List{}));
  EXPECT_EQ(Parse("{}"), Value(Value::Object{}));
  EXPECT_EQ(Parse(R"({"a": [1, {"b": "c"}], "d": null})"),
            Value(Value::Object{{"a", Value::List{1, Value::Object{{"b", "c"}}}}, {"d", Value()}}));
  EXPECT_EQ(Parse(R"("\u0000")"), Value(std::string(1, '\0')));
}

TEST(ValueArgumentTest, TakesAnythingElseAsAString) {
  for (const std::string text : {"hello", "", "NaN", "Infinity", "01", "+1", "{", "[1,", "'a'", "1 2", "True",
                                 "9007199254740993 apples", "{\"a\":1,\"a\":2", "é", "\"open"}) {
    EXPECT_EQ(Parse(text), Value(text)) << text;
  }
}

// Found by tests/fuzz/cli_text.cc: what `history --json` shows of -0.0 was read as 0.
TEST(ValueArgumentTest, KeepsTheSignOfZero) {
  for (const char* text : {"-0", "-0.0", "[-0]"}) EXPECT_THAT(Parse(text).ToJson(), HasSubstr("-0")) << text;
  EXPECT_EQ(Parse("0").ToJson(), "0");
}

TEST(ValueArgumentTest, AcceptsIntegersUpTo2To53) {
  EXPECT_EQ(Parse("9007199254740992"), Value(9007199254740992.0));
  EXPECT_EQ(Parse("-9007199254740992"), Value(-9007199254740992.0));
}

TEST(ValueArgumentTest, RefusesIntegersBeyond2To53WithTheAdviceToSendAString) {
  for (const std::string digits : {"9007199254740993", "-9007199254740993", "18446744073709551615",
                                   "-9223372036854775808", "123456789012345678901234567890"}) {
    EXPECT_THAT(Refusal(digits), HasSubstr("as a string: '\"" + digits + "\"'"));
  }
  EXPECT_THAT(Refusal("[1, {\"a\": 9007199254740993}]"), HasSubstr("--value holds 9007199254740993"));
}

TEST(ValueArgumentTest, AcceptsLargeNumbersThatAreNotWrittenAsIntegers) {
  EXPECT_EQ(Parse("1e300"), Value(1e300));
  EXPECT_EQ(Parse("9007199254740993.5"), Value(9007199254740993.5));
}

TEST(ValueArgumentTest, RefusesNumbersBeyondTheLargestDouble) {
  EXPECT_THAT(Refusal("1e400"), HasSubstr("1e400"));
  EXPECT_THAT(Refusal("{\"a\": [-1e400]}"), HasSubstr("-1e400"));
}

TEST(ValueArgumentTest, RefusesAKeyTwice) {
  EXPECT_THAT(Refusal(R"({"a":1,"a":2})"), HasSubstr("\"a\" twice"));
}

TEST(ValueArgumentTest, LimitsDepthTo32) {
  EXPECT_NE(Parse(Nested(32, "1")).as_list(), nullptr);
  EXPECT_THAT(Refusal(Nested(33, "1")), HasSubstr("more than 32"));
  EXPECT_THAT(Refusal(Nested(60000, "1")), HasSubstr("more than 32"));
}

TEST(ValueArgumentTest, RefusesWhatIsNotUtf8) {
  EXPECT_THAT(Refusal("\xff"), HasSubstr("UTF-8"));
  EXPECT_THAT(Refusal("\"\xed\xa0\x80\""), HasSubstr("UTF-8"));
}

TEST(ValueArgumentTest, NamesTheFlag) {
  EXPECT_THAT(std::string(ParseValueArgument("--reply", "1e999").status().message()), HasSubstr("--reply"));
}

}  // namespace
}  // namespace signalbox::cli
