#include "cli/publish_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

PublishDefaults Defaults() {
  PublishDefaults defaults;
  defaults.run.run = "r1";
  defaults.message.key = "default-key";
  return defaults;
}

std::string Refusal(const std::string& line) {
  return std::string(ParsePublishLine(line, Defaults()).status().message());
}

TEST(PublishLineTest, EveryFieldArrives) {
  const auto request = ParsePublishLine(
      R"({"run": "r2", "key": "k", "value": {"a": [1]}, "kind": "SETTING", "request_id": "id", "ttl": "90s",
          "reason": "why"})",
      Defaults());
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->run.id, "r2");
  EXPECT_EQ(request->key, "k");
  EXPECT_EQ(request->value.ToJson(), R"({"a":[1]})");
  EXPECT_EQ(request->kind, Kind::kSetting);
  EXPECT_EQ(request->request_id, "id");
  EXPECT_EQ(request->ttl, absl::Seconds(90));
  EXPECT_EQ(request->reason, "why");
}

TEST(PublishLineTest, WhatIsLeftOutIsAsTheFlagsSay) {
  PublishDefaults defaults = Defaults();
  defaults.message.value = 7;
  defaults.message.kind = Kind::kSetting;
  defaults.message.ttl = absl::Seconds(5);
  defaults.message.reason = "why";
  const auto request = ParsePublishLine("{}", defaults);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->run.id, "r1");
  EXPECT_EQ(request->key, "default-key");
  EXPECT_EQ(request->value, Value(7));
  EXPECT_EQ(request->kind, Kind::kSetting);
  EXPECT_EQ(request->request_id, "");
  EXPECT_EQ(request->ttl, absl::Seconds(5));
  EXPECT_EQ(request->reason, "why");
  EXPECT_TRUE(ParsePublishLine(R"({"value": null})", defaults)->value.is_null());
}

TEST(PublishLineTest, ARunIsAnIdOrARankInAProject) {
  PublishDefaults defaults = Defaults();
  EXPECT_EQ(ParsePublishLine(R"({"run": 438, "project": "p"})", defaults)->run.rank, 438);
  EXPECT_EQ(ParsePublishLine(R"({"run": "438", "project": "p"})", defaults)->run.project, "p");
  defaults.run.project = "of-the-flags";
  EXPECT_EQ(ParsePublishLine(R"({"run": 438})", defaults)->run.project, "of-the-flags");
  EXPECT_EQ(ParsePublishLine(R"({"run": 438, "project": "p"})", defaults)->run.project, "p");
  EXPECT_EQ(ParsePublishLine(R"({"run": "r2"})", defaults)->run.id, "r2") << "an id needs no project";
  defaults.run.run = "5";
  EXPECT_EQ(ParsePublishLine(R"({"project": "p"})", defaults)->run.project, "p");
  EXPECT_THAT(std::string(ParsePublishLine("{}", {}).status().message()), HasSubstr("no run given"));
}

TEST(PublishLineTest, SaysWhatIsWrong) {
  EXPECT_THAT(Refusal(R"({"key": "k", )"), HasSubstr("not JSON"));
  EXPECT_THAT(Refusal("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(Refusal(R"({"keys": "k"})"), HasSubstr("unknown field \"keys\""));
  EXPECT_THAT(Refusal(R"({"key": 1})"), HasSubstr("key must be a string"));
  EXPECT_THAT(Refusal(R"({"run": 1.5})"), HasSubstr("run must be an id or a rank"));
  EXPECT_THAT(Refusal(R"({"run": true})"), HasSubstr("run must be a string"));
  EXPECT_THAT(Refusal(R"({"run": 438})"), HasSubstr("needs a project"));
  EXPECT_THAT(Refusal(R"({"kind": "both"})"), HasSubstr("is not one of command, setting"));
  EXPECT_THAT(Refusal(R"({"ttl": "soon"})"), HasSubstr("ttl"));
  EXPECT_THAT(Refusal(R"({"value": 9007199254740993})"), HasSubstr("send it as a string"));
  EXPECT_THAT(Refusal(R"({"key": "a", "key": "b"})"), HasSubstr("twice"));
  EXPECT_THAT(Refusal("\xff"), HasSubstr("UTF-8"));
}

TEST(PublishLineTest, AValueMayBeAsDeepAsOnItsOwn) {
  const auto nested = [](int depth) {
    return R"({"value": )" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(Refusal(nested(32)), "");
  EXPECT_THAT(Refusal(nested(33)), HasSubstr("within each other"));
}

}  // namespace
}  // namespace signalbox::cli
