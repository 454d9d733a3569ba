#include "request_rules.h"

#include <gtest/gtest.h>

#include <limits>

#include "signalbox/client.h"

namespace signalbox::internal {
namespace {

Value Nested(int depth) {
  Value value = 1;
  for (int i = 0; i < depth; ++i) value = Value::List{std::move(value)};
  return value;
}

TEST(RequestRulesTest, ValuesAreBoundedInDepth) {
  EXPECT_TRUE(CheckValue("value", Nested(32)).ok());
  const absl::Status too_deep = CheckValue("value", Nested(33));
  EXPECT_EQ(too_deep.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(too_deep.message(), "value: more than 32 lists and objects in one another");
}

TEST(RequestRulesTest, ValuesMustBeFiniteAndUtf8) {
  EXPECT_FALSE(CheckValue("value", Value::List{std::numeric_limits<double>::infinity()}).ok());
  EXPECT_FALSE(CheckValue("value", Value::Object{{"a", "\xff"}}).ok());
  EXPECT_FALSE(CheckValue("value", Value::Object{{"\xff", 1}}).ok());
  EXPECT_TRUE(CheckValue("value", std::string("a\0b", 3)).ok());
}

TEST(RequestRulesTest, KnowsTheSerializedSize) {
  EXPECT_EQ(SerializedSize(Value()), 2u);
  EXPECT_EQ(SerializedSize(true), 2u);
  EXPECT_EQ(SerializedSize(1.5), 9u);
  EXPECT_EQ(SerializedSize("abc"), 5u);
  EXPECT_EQ(SerializedSize(std::string(200, 'x')), 203u);
  // {"a": 1}: the entry is key (3) + value (2 + 9) = 14, its field 16, the struct's 18.
  EXPECT_EQ(SerializedSize(Value::Object{{"a", 1}}), 18u);
  EXPECT_EQ(SerializedSize(Value::List{1, 2}), 24u);
}

TEST(RequestRulesTest, AcksAreCheckedBeforeTheyGoIntoTheBackground) {
  const auto text_of = [](const Ack& ack) { return std::string(CheckAck(ack).message()); };
  EXPECT_EQ(text_of({}), "");
  EXPECT_EQ(text_of({AckOutcome::kApplied, Value("ok"), "", 3}), "");
  EXPECT_EQ(text_of({AckOutcome::kUnspecified, std::nullopt, "", 3}),
            "outcome: required with reply, error or step");
  EXPECT_EQ(text_of({AckOutcome::kApplied, std::nullopt, "", -1}), "step: -1 is negative");
  EXPECT_EQ(text_of({AckOutcome::kFailed, std::nullopt, std::string(1025, 'x'), 0}),
            "error: 1025 bytes, at most 1024 are allowed");
  EXPECT_EQ(text_of({AckOutcome::kFailed, std::nullopt, std::string(1, '\0'), 0}),
            "error: must not hold U+0000");
  EXPECT_EQ(text_of({AckOutcome::kApplied, Value(std::string(16 * 1024, 'x')), "", 0}),
            "reply: 16388 bytes, at most 16384 are allowed");
}

TEST(RequestRulesTest, ChecksKeys) {
  for (const std::string& good : {std::string("learning-rate"), std::string("a b"), std::string(128, 'x')}) {
    EXPECT_TRUE(CheckKey(good).ok()) << good;
  }
  for (const std::string& bad : {std::string(), std::string(129, 'x'), std::string(" a"), std::string("a "),
                                 std::string("a\n"), std::string("\xff")}) {
    EXPECT_FALSE(CheckKey(bad).ok()) << bad;
  }
}

TEST(RequestRulesTest, ARunIsNamedInOneOfTwoWays) {
  EXPECT_TRUE(CheckRun(RunRef::ById("r1")).ok());
  EXPECT_TRUE(CheckRun(RunRef::ByRank("p", 438)).ok());
  EXPECT_EQ(CheckRun({"", "", 438}).message(), "run: rank 438 needs a project");
  EXPECT_EQ(CheckRun({"", "p", 0}).message(), "run: project p needs a rank");
  EXPECT_FALSE(CheckRun({"", "", 0}).ok());
  EXPECT_FALSE(CheckRun({"r1", "p", 0}).ok());
}

}  // namespace
}  // namespace signalbox::internal
