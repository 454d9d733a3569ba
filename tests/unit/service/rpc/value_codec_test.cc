#include "service/rpc/value_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

using google::protobuf::Value;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kDepth = 32;
constexpr size_t kBytes = 64 << 10;

Value Number(double number) {
  Value value;
  value.set_number_value(number);
  return value;
}
Value Text(const std::string& text) {
  Value value;
  value.set_string_value(text);
  return value;
}
Value Nested(int lists, int objects, const Value& scalar = Number(1)) {
  Value value = scalar;
  for (int i = 0; i < objects; ++i) {
    Value outer;
    (*outer.mutable_struct_value()->mutable_fields())["k"] = value;
    value = outer;
  }
  for (int i = 0; i < lists; ++i) {
    Value outer;
    *outer.mutable_list_value()->add_values() = value;
    value = outer;
  }
  return value;
}

absl::StatusOr<std::string> Serialize(const Value& value) {
  return SerializeValue("value", value, kDepth, kBytes);
}
std::string Refusal(const Value& value) {
  const absl::Status status = Serialize(value).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}
Value RoundTrip(const Value& value) {
  const absl::StatusOr<std::string> bytes = Serialize(value);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  Value read;
  EXPECT_TRUE(bytes.ok() && read.ParseFromString(*bytes));
  return read;
}

TEST(ValueCodecTest, NumbersComeBackBitForBit) {
  for (double number :
       {0.0, -0.0, 0.1, -1e308, 5e-324, std::numeric_limits<double>::max(), 9007199254740993.0, M_PI}) {
    const double read = RoundTrip(Number(number)).number_value();
    EXPECT_EQ(std::bit_cast<uint64_t>(read), std::bit_cast<uint64_t>(number)) << number;
  }
}

TEST(ValueCodecTest, StringsComeBackByteForByte) {
  for (const std::string& text :
       {std::string(), std::string("a\0b", 3), std::string("läuft 🚦\n\x7f"), std::string(1000, '\0')}) {
    EXPECT_EQ(RoundTrip(Text(text)).string_value(), text);
  }
}

TEST(ValueCodecTest, EveryKindIsAValue) {
  Value value;
  value.set_null_value(google::protobuf::NULL_VALUE);
  EXPECT_EQ(RoundTrip(value).kind_case(), Value::kNullValue);
  value.set_bool_value(false);
  EXPECT_EQ(RoundTrip(value).kind_case(), Value::kBoolValue);
  value.mutable_list_value();
  EXPECT_EQ(RoundTrip(value).kind_case(), Value::kListValue);
  value.mutable_struct_value();
  EXPECT_EQ(RoundTrip(value).kind_case(), Value::kStructValue);
}

TEST(ValueCodecTest, ThirtyTwoArraysAndObjectsMayBeAroundAScalar) {
  EXPECT_TRUE(Serialize(Nested(32, 0)).ok());
  EXPECT_TRUE(Serialize(Nested(0, 32)).ok());
  EXPECT_TRUE(Serialize(Nested(16, 16)).ok());
  for (const Value& value : {Nested(33, 0), Nested(0, 33), Nested(17, 16)})
    EXPECT_THAT(Refusal(value), AllOf(HasSubstr("value"), HasSubstr("32")));
}

TEST(ValueCodecTest, TheDeepestBranchCounts) {
  Value list;
  *list.mutable_list_value()->add_values() = Nested(32, 0);
  *list.mutable_list_value()->add_values() = Number(1);
  EXPECT_THAT(Refusal(list), HasSubstr("deeper"));
  Value* deep = list.mutable_list_value()->mutable_values(0);
  *deep = Nested(31, 0);
  EXPECT_TRUE(Serialize(list).ok());
}

// Built in memory, because no parser lets it in. Checking must not need the stack for it.
TEST(ValueCodecTest, AVeryDeepValueIsRefused) {
  Value root;
  Value* innermost = &root;
  for (int i = 0; i < 500; ++i) innermost = innermost->mutable_list_value()->add_values();
  innermost->set_bool_value(true);
  EXPECT_THAT(Refusal(root), HasSubstr("deeper"));
}

TEST(ValueCodecTest, NumbersMustBeFinite) {
  for (double number : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(Refusal(Number(number)), AllOf(HasSubstr("value"), HasSubstr("finite")));
    EXPECT_THAT(Refusal(Nested(3, 3, Number(number))), HasSubstr("finite"));
  }
}

TEST(ValueCodecTest, EveryNestedValueNeedsAKind) {
  EXPECT_THAT(Refusal(Value()), HasSubstr("value holds a value without a kind"));
  EXPECT_THAT(Refusal(Nested(1, 0, Value())), HasSubstr("without a kind"));
  EXPECT_THAT(Refusal(Nested(0, 2, Value())), HasSubstr("without a kind"));
}

TEST(ValueCodecTest, SizeIsThatOfTheSerializedValue) {
  std::string text(kBytes - Text("").ByteSizeLong(), 'x');
  while (Text(text).ByteSizeLong() > kBytes) text.pop_back();
  ASSERT_EQ(Text(text).ByteSizeLong(), kBytes);
  EXPECT_TRUE(Serialize(Text(text)).ok());
  EXPECT_THAT(Refusal(Text(text + "x")), AllOf(HasSubstr("value has 65537 bytes"), HasSubstr("65536")));
}

TEST(ValueCodecTest, TheSameValueIsTheSameBytes) {
  Value forward;
  Value backward;
  for (int i = 0; i < 50; ++i) {
    (*forward.mutable_struct_value()->mutable_fields())[absl::StrCat("k", i)] = Number(i);
    (*backward.mutable_struct_value()->mutable_fields())[absl::StrCat("k", 49 - i)] = Number(49 - i);
  }
  EXPECT_EQ(*Serialize(forward), *Serialize(backward));
  EXPECT_EQ(*Serialize(Nested(2, 2, forward)), *Serialize(Nested(2, 2, backward)));
  EXPECT_NE(*Serialize(Number(0.0)), *Serialize(Number(-0.0)));
}

}  // namespace
}  // namespace signalbox::service
