#include "cli/json_output.h"

#include <gtest/gtest.h>

#include <cmath>

namespace signalbox::cli {
namespace {

std::string Text(const OrderedJson& json) { return JsonText(json, JsonLayout::kOneLine); }

TEST(JsonOutputTest, AMessageHasTheFieldsOfTheProtocolInItsOrder) {
  Message message;
  message.id = "m1";
  message.run_id = "r1";
  message.sequence = 3;
  message.key = "learning-rate";
  message.value = 0.05;
  message.kind = Kind::kSetting;
  message.state = MessageState::kApplied;
  message.create_time = absl::FromUnixSeconds(1'800'000'000);
  message.consumer = "c";
  message.reply = Value::Object{{"current", 0.05}};
  message.step = 18230;
  EXPECT_EQ(Text(ToJson(message)),
            R"({"id":"m1","run_id":"r1","sequence":3,"key":"learning-rate","value":0.05,"kind":"SETTING",)"
            R"("state":"APPLIED","publisher":"","reason":"","create_time":"2027-01-15T08:00:00.000000Z",)"
            R"("expire_time":null,"consumer":"c","ack_time":null,"finish_time":null,)"
            R"("reply":{"current":0.05},"error":"","step":18230})");
}

TEST(JsonOutputTest, ANullReplyDiffersFromNone) {
  Message message;
  EXPECT_FALSE(ToJson(message).contains("reply"));
  message.reply = Value();
  EXPECT_TRUE(ToJson(message).at("reply").is_null());
}

TEST(JsonOutputTest, WholeNumbersHaveNoFraction) {
  EXPECT_EQ(Text(ToJson(Value(30))), "30");
  EXPECT_EQ(Text(ToJson(Value(9007199254740992.0))), "9007199254740992");
  EXPECT_EQ(Text(ToJson(Value(1e300))), "1e+300");
  EXPECT_TRUE(std::signbit(nlohmann::json::parse(Text(ToJson(Value(-0.0)))).get<double>()));
}

TEST(JsonOutputTest, NumbersReadBackAsTheyWere) {
  for (const double number : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456.789}) {
    EXPECT_EQ(nlohmann::json::parse(Text(ToJson(Value(number)))).get<double>(), number);
  }
}

TEST(JsonOutputTest, TextThatATerminalObeysIsEscapedAndMeansTheSame) {
  const std::string text = "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\n";
  const std::string json = Text(ToJson(Value(text)));
  EXPECT_EQ(json, "\"\\u001b[2J\\u007f\\u009b\\u202e\\n\"");
  EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text);
}

TEST(JsonOutputTest, ARunSaysHowItEndedOnlyWhenItDid) {
  signalbox::Run run;
  run.id = "r1";
  run.state = RunState::kActive;
  run.labels = {{"team", "vision"}};
  run.keys = {{"save", Kind::kCommand, "Write a checkpoint"}};
  const OrderedJson json = ToJson(run);
  EXPECT_TRUE(json.at("outcome").is_null());
  EXPECT_EQ(Text(json.at("labels")), R"({"team":"vision"})");
  EXPECT_EQ(Text(json.at("keys")), R"([{"key":"save","kind":"COMMAND","description":"Write a checkpoint"}])");
  run.state = RunState::kEnded;
  run.outcome = RunOutcome::kStopped;
  EXPECT_EQ(ToJson(run).at("outcome"), "STOPPED");
}

TEST(JsonOutputTest, EventsNameTheirType) {
  WatchEvent withdrawn;
  withdrawn.type = WatchEvent::Type::kWithdrawn;
  withdrawn.message.id = "m1";
  withdrawn.message.state = MessageState::kAcked;
  withdrawn.message.consumer = "c";
  EXPECT_EQ(Text(ToJson(withdrawn)),
            R"({"event":"withdrawn","message_id":"m1","state":"ACKED","consumer":"c"})");
  WatchEvent ended;
  ended.type = WatchEvent::Type::kRunEnded;
  ended.outcome = RunOutcome::kCompleted;
  EXPECT_EQ(Text(ToJson(ended)), R"({"event":"run_ended","outcome":"COMPLETED"})");
}

TEST(JsonOutputTest, PrettyIsTheSameDocument) {
  const OrderedJson json = {{"a", {1, 2}}, {"b", "c"}};
  const std::string pretty = JsonText(json, JsonLayout::kPretty);
  EXPECT_NE(pretty.find('\n'), std::string::npos);
  EXPECT_EQ(OrderedJson::parse(pretty), json);
}

}  // namespace
}  // namespace signalbox::cli
