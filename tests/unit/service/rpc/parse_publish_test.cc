#include <cmath>
#include <string>

#include "tests/unit/service/rpc/parser_test_support.h"

namespace signalbox::service {
namespace {

using R = v1::PublishRequest;

R Good() {
  R request;
  request.mutable_run()->set_id("run-a");
  request.set_key("learning-rate");
  request.mutable_value()->set_number_value(0.001);
  return request;
}

absl::StatusOr<NewMessage> Parse(const R& request) { return RequestParser(Limits()).Parse(request); }

TEST(ParsePublishTest, EveryFieldArrives) {
  R request = Good();
  request.set_kind(v1::KIND_SETTING);
  request.set_request_id(std::string("r\0q", 3));
  request.mutable_ttl()->set_seconds(90);
  request.set_reason("why");
  const absl::StatusOr<NewMessage> message = Parse(request);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->run.id, "run-a");
  EXPECT_EQ(message->key, "learning-rate");
  EXPECT_EQ(message->value, request.value().SerializeAsString());
  EXPECT_EQ(message->kind, Kind::kSetting);
  EXPECT_EQ(message->request_id, request.request_id());
  EXPECT_EQ(message->ttl, absl::Seconds(90));
  EXPECT_EQ(message->reason, "why");
  EXPECT_EQ(message->publisher, "");
}

TEST(ParsePublishTest, WhatIsLeftOutHasADefault) {
  R request = Good();
  request.clear_value();
  const absl::StatusOr<NewMessage> message = Parse(request);
  ASSERT_TRUE(message.ok()) << message.status();
  google::protobuf::Value value;
  ASSERT_TRUE(value.ParseFromString(message->value));
  EXPECT_EQ(value.kind_case(), google::protobuf::Value::kNullValue);
  EXPECT_EQ(message->kind, Kind::kUnspecified);
  EXPECT_EQ(message->ttl, absl::InfiniteDuration());
  EXPECT_EQ(message->fingerprint, "");
}

TEST(ParsePublishTest, ChecksTheRun) { ExpectRunIsChecked(Good()); }

TEST(ParsePublishTest, ChecksEveryLimit) {
  ExpectVerdicts<R>(
      Good(),
      {
          {[](R& r) { r.set_key(std::string(128, 'k')); }, "OK"},
          {[](R& r) { r.set_key(std::string(129, 'k')); },
           "INVALID_ARGUMENT: key has 129 bytes; the limit is 128"},
          {[](R& r) { r.clear_key(); }, "INVALID_ARGUMENT: key is required"},
          {[](R& r) { r.set_key("a\n"); }, "INVALID_ARGUMENT: key must not contain control"},
          {[](R& r) { r.set_key("a "); }, "INVALID_ARGUMENT: key must not begin or end with a blank"},
          {[](R& r) { r.mutable_value()->set_string_value(std::string(65532, 'v')); }, "OK"},
          {[](R& r) { r.mutable_value()->set_string_value(std::string(65533, 'v')); },
           "INVALID_ARGUMENT: value has 65537 bytes; the limit is 65536"},
          {[](R& r) { r.mutable_value()->set_number_value(std::nan("")); }, "INVALID_ARGUMENT: value"},
          {[](R& r) { r.mutable_value()->mutable_list_value()->add_values(); }, "INVALID_ARGUMENT: value"},
          {[](R& r) { r.set_kind(v1::KIND_COMMAND); }, "OK"},
          {[](R& r) { r.set_kind(static_cast<v1::Kind>(9)); }, "INVALID_ARGUMENT: kind"},
          {[](R& r) { r.set_request_id(std::string(128, '\0')); }, "OK"},
          {[](R& r) { r.set_request_id(std::string(129, 'r')); },
           "INVALID_ARGUMENT: request_id has 129 bytes; the limit is 128"},
          {[](R& r) { r.set_reason(std::string(1024, 'w')); }, "OK"},
          {[](R& r) { r.set_reason(std::string(1025, 'w')); },
           "INVALID_ARGUMENT: reason has 1025 bytes; the limit is 1024"},
          {[](R& r) { r.set_reason(std::string(1, '\0')); },
           "INVALID_ARGUMENT: reason must not contain U+0000"},
          {[](R& r) { r.mutable_run()->set_project(std::string(1 << 20, 'p')); },
           "INVALID_ARGUMENT: request has"},
      });
}

TEST(ParsePublishTest, ChecksTheTimeToLive) {
  ExpectVerdicts<R>(
      Good(),
      {
          {[](R& r) { r.mutable_ttl()->set_nanos(1); }, "OK"},
          {[](R& r) { r.mutable_ttl(); }, "INVALID_ARGUMENT: ttl must be greater than 0"},
          {[](R& r) { r.mutable_ttl()->set_seconds(-1); }, "INVALID_ARGUMENT: ttl must be greater"},
          {[](R& r) { r.mutable_ttl()->set_nanos(-1); }, "INVALID_ARGUMENT: ttl must be greater"},
          {[](R& r) { r.mutable_ttl()->set_nanos(1'000'000'000); }, "INVALID_ARGUMENT: ttl is not a valid"},
          {[](R& r) { r.mutable_ttl()->set_seconds(1), r.mutable_ttl()->set_nanos(-1); },
           "INVALID_ARGUMENT: ttl is not a valid"},
          {[](R& r) { r.mutable_ttl()->set_seconds(INT64_MAX); }, "INVALID_ARGUMENT: ttl is not a valid"},
          {[](R& r) { r.mutable_ttl()->set_seconds(INT64_MIN); }, "INVALID_ARGUMENT: ttl"},
          {[](R& r) { r.mutable_ttl()->set_seconds(3650 * 24 * 3600); }, "OK"},
          {[](R& r) { r.mutable_ttl()->set_seconds(3650 * 24 * 3600 + 1); },
           "INVALID_ARGUMENT: ttl is 87600h1s; the limit is 87600h"},
      });
}

TEST(ParsePublishTest, ARunThatCannotExistIsSaidLast) {
  R request = Good();
  request.mutable_run()->set_id("Not-A-Run");
  EXPECT_THAT(Verdict(request), testing::StartsWith("NOT_FOUND"));
  request.set_reason(std::string(5000, 'w'));
  EXPECT_THAT(Verdict(request), testing::StartsWith("INVALID_ARGUMENT: reason"));
}

TEST(ParsePublishTest, TheFingerprintIsOfTheContent) {
  R request = Good();
  request.set_request_id("r");
  const std::string fingerprint = Parse(request)->fingerprint;
  EXPECT_EQ(fingerprint.size(), 32U);
  R same = request;
  same.mutable_run()->clear_id();
  same.mutable_run()->set_project("p");
  same.mutable_run()->set_rank(3);
  EXPECT_EQ(Parse(same)->fingerprint, fingerprint) << "the run may be named in either way";
  const std::vector<std::function<void(R&)>> changes = {
      [](R& r) { r.set_key("other"); },
      [](R& r) { r.mutable_value()->set_number_value(-0.001); },
      [](R& r) { r.clear_value(); },
      [](R& r) { r.set_kind(v1::KIND_SETTING); },
      [](R& r) { r.mutable_ttl()->set_seconds(1); },
      [](R& r) { r.set_reason("why"); },
  };
  for (const auto& change : changes) {
    R other = request;
    change(other);
    EXPECT_NE(Parse(other)->fingerprint, fingerprint) << other.ShortDebugString();
  }
}

TEST(ParsePublishManyTest, CountsTheRequests) {
  v1::PublishManyRequest good;
  *good.add_requests() = Good();
  ExpectVerdicts<v1::PublishManyRequest>(
      good,
      {
          {[](auto& r) { r.clear_requests(); }, "INVALID_ARGUMENT: requests is required"},
          {[](auto& r) {
             while (r.requests_size() < 1000) *r.add_requests() = Good();
           },
           "OK"},
          {[](auto& r) {
             while (r.requests_size() < 1001) *r.add_requests() = Good();
           },
           "INVALID_ARGUMENT: requests has 1001 elements; the limit is 1000"},
          {[](auto& r) { r.mutable_requests(0)->mutable_run()->set_project(std::string(1 << 20, 'p')); },
           "INVALID_ARGUMENT: request has"},
      });
}

TEST(ParsePublishManyTest, JudgesEachRequestByItself) {
  v1::PublishManyRequest request;
  *request.add_requests() = Good();
  request.add_requests();
  *request.add_requests() = Good();
  request.mutable_requests(2)->mutable_run()->set_id("Not-A-Run");
  *request.add_requests() = Good();
  request.mutable_requests(3)->set_key("other");
  const auto parsed = RequestParser(Limits()).Parse(request);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->size(), 4U);
  EXPECT_EQ(parsed->at(0)->key, "learning-rate");
  for (const int refused : {1, 2}) {
    EXPECT_EQ(parsed->at(refused).status(), Parse(request.requests(refused)).status()) << "as by itself";
    EXPECT_FALSE(parsed->at(refused).ok());
  }
  EXPECT_EQ(parsed->at(3)->key, "other");
}

}  // namespace
}  // namespace signalbox::service
