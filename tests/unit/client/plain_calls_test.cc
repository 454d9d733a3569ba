#include "plain_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "fake_clock.h"
#include "fake_message_stub.h"
#include "random.h"

namespace signalbox::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PlainCallsTest : public testing::Test {
 protected:
  FakeClock clock_;
  FakeMessageStub stub_{clock_};
  PlainCalls calls_{stub_, clock_, [] { return 0.5; }, absl::Seconds(10)};
};

PublishRequest Request() {
  PublishRequest request;
  request.run = RunRef::ById("r1");
  request.key = "k";
  return request;
}

TEST_F(PlainCallsTest, EveryTryOfAPublishHasTheSameRequestId) {
  stub_.failures = 3;
  ASSERT_TRUE(calls_.Publish(Request(), std::nullopt).ok());
  ASSERT_EQ(stub_.request_ids.size(), 4u);
  EXPECT_EQ(stub_.request_ids.front().size(), 32u);
  for (const std::string& id : stub_.request_ids) EXPECT_EQ(id, stub_.request_ids.front());
  ASSERT_TRUE(calls_.Publish(Request(), std::nullopt).ok());
  EXPECT_NE(stub_.request_ids.back(), stub_.request_ids.front());
}

TEST_F(PlainCallsTest, RequestIdsBeginWithTheTime) {
  const std::string before = TimeOrderedId(absl::Now() - absl::Milliseconds(1));
  ASSERT_TRUE(calls_.Publish(Request(), std::nullopt).ok());
  EXPECT_GT(stub_.request_ids.back(), before);
  EXPECT_LT(stub_.request_ids.back(), TimeOrderedId(absl::Now() + absl::Milliseconds(1)));
}

TEST_F(PlainCallsTest, AGivenRequestIdIsKept) {
  PublishRequest request = Request();
  request.request_id = "mine";
  ASSERT_TRUE(calls_.Publish(request, std::nullopt).ok());
  EXPECT_THAT(stub_.request_ids, ElementsAre("mine"));
}

std::vector<PublishRequest> Requests(const std::vector<std::string>& keys) {
  std::vector<PublishRequest> requests(keys.size(), Request());
  for (std::size_t i = 0; i < keys.size(); ++i) requests[i].key = keys[i];
  return requests;
}

// "OK" and the key, or the code.
std::vector<std::string> Outcomes(const std::vector<absl::StatusOr<PublishResult>>& results) {
  std::vector<std::string> outcomes;
  for (const absl::StatusOr<PublishResult>& result : results) {
    outcomes.push_back(result.ok() ? "OK " + result->message.key
                                   : absl::StatusCodeToString(result.status().code()));
  }
  return outcomes;
}

TEST_F(PlainCallsTest, ManyAreSentInAsManyCallsAsItTakesInTheirOrder) {
  stub_.most_of_many = 2;
  EXPECT_THAT(Outcomes(calls_.PublishMany(Requests({"a", "b", "c", "d", "e"}), std::nullopt)),
              ElementsAre("OK a", "OK b", "OK c", "OK d", "OK e"));
  EXPECT_THAT(stub_.calls_of_many,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d"), ElementsAre("e")));
  EXPECT_EQ(clock_.Now(), Instant()) << "nothing to wait for";
  EXPECT_THAT(calls_.PublishMany({}, std::nullopt), IsEmpty());
  EXPECT_EQ(stub_.calls_of_many.size(), 3u);
}

TEST_F(PlainCallsTest, OfManyOnlyWhatIsUnavailableIsTriedAgainAndFirst) {
  stub_.most_of_many = 3;
  stub_.outcomes_of_keys = {{"a", absl::NotFoundError("no run")},
                            {"b", absl::UnavailableError("away")},
                            {"c", absl::UnavailableError("away")},
                            {"c", absl::UnavailableError("still")}};
  EXPECT_THAT(Outcomes(calls_.PublishMany(Requests({"a", "b", "c", "d", "e"}), std::nullopt)),
              ElementsAre("NOT_FOUND", "OK b", "OK c", "OK d", "OK e"));
  EXPECT_THAT(stub_.calls_of_many,
              ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("b", "c", "d"), ElementsAre("c", "e")));
  EXPECT_GT(clock_.Now(), Instant()) << "it must not hammer the server";
}

TEST_F(PlainCallsTest, EveryTryOfManyHasTheSameRequestIds) {
  stub_.failures = 2;
  std::vector<PublishRequest> requests = Requests({"a", "b"});
  requests[1].request_id = "mine";
  EXPECT_THAT(Outcomes(calls_.PublishMany(requests, std::nullopt)), ElementsAre("OK a", "OK b"));
  ASSERT_EQ(stub_.request_ids.size(), 6u);
  EXPECT_EQ(stub_.request_ids[0].size(), 32u);
  for (std::size_t i = 0; i < 6; i += 2) {
    EXPECT_EQ(stub_.request_ids[i], stub_.request_ids[0]);
    EXPECT_EQ(stub_.request_ids[i + 1], "mine");
  }
}

TEST_F(PlainCallsTest, OfManyOneThatProtobufCannotCarryIsRefusedHereAndTheOthersAreSent) {
  EXPECT_THAT(Outcomes(calls_.PublishMany(Requests({"a", "\xff", "c"}), std::nullopt)),
              ElementsAre("OK a", "INVALID_ARGUMENT", "OK c"));
  EXPECT_THAT(stub_.calls_of_many, ElementsAre(ElementsAre("a", "c")));
}

TEST_F(PlainCallsTest, ManyHaveOneDeadline) {
  stub_.most_of_many = 1;
  stub_.on_publish_many = [this](absl::Duration timeout) {
    EXPECT_EQ(timeout, absl::Seconds(10) - (clock_.Now() - Instant()));
    clock_.Advance(absl::Seconds(4));
  };
  EXPECT_THAT(Outcomes(calls_.PublishMany(Requests({"a", "b", "c", "d", "e"}), absl::Seconds(10))),
              ElementsAre("OK a", "OK b", "OK c", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"));
  EXPECT_EQ(stub_.calls_of_many.size(), 3u);
}

TEST_F(PlainCallsTest, ManyGiveUpAtTheDeadline) {
  stub_.most_of_many = 1;
  stub_.failures = 1000000;
  EXPECT_THAT(Outcomes(calls_.PublishMany(Requests({"a", "b"}), std::nullopt)),
              ElementsAre("UNAVAILABLE", "DEADLINE_EXCEEDED"));
  EXPECT_LE(clock_.Now(), absl::Seconds(10));
  EXPECT_GT(clock_.Now(), absl::Seconds(8));
}

TEST_F(PlainCallsTest, CreateRunIsRepeatedWithOneRequestId) {
  stub_.failures = 1;
  ASSERT_TRUE(calls_.CreateRun({"p", "", "", {}}, std::nullopt).ok());
  ASSERT_EQ(stub_.request_ids.size(), 2u);
  EXPECT_EQ(stub_.request_ids[0], stub_.request_ids[1]);
  EXPECT_FALSE(stub_.request_ids[0].empty());
}

TEST_F(PlainCallsTest, GivesUpAtTheDefaultDeadline) {
  stub_.failures = 1000000;
  EXPECT_TRUE(absl::IsUnavailable(calls_.Get(RunRef::ById("r1"), "k", std::nullopt).status()));
  EXPECT_LE(clock_.Now(), absl::Seconds(10));
  EXPECT_GT(clock_.Now(), absl::Seconds(8));
}

TEST_F(PlainCallsTest, WhatProtobufCannotCarryIsRefusedHere) {
  PublishRequest request = Request();
  request.key = "\xff";
  EXPECT_EQ(calls_.Publish(request, std::nullopt).status().message(), "key: not valid UTF-8");
  EXPECT_TRUE(stub_.request_ids.empty());
}

TEST_F(PlainCallsTest, GetAllFollowsThePages) {
  stub_.pages = {{{Message{}, Message{}}, "next"}, {{Message{}}, ""}};
  const auto all = calls_.GetAll(RunRef::ById("r1"), {}, std::nullopt);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->size(), 3u);
  EXPECT_THAT(stub_.page_tokens, ElementsAre("", "next"));
}

TEST_F(PlainCallsTest, AListEndsAtItsLimit) {
  stub_.pages = {{std::vector<Message>(1000), "a"}, {std::vector<Message>(500), "b"}};
  ListMessagesRequest request;
  request.limit = 1500;
  const auto messages = calls_.ListMessages(request, std::nullopt);
  ASSERT_TRUE(messages.ok());
  EXPECT_EQ(messages->size(), 1500u);
  EXPECT_THAT(stub_.page_sizes, ElementsAre(1000, 500));
}

TEST_F(PlainCallsTest, AListWithoutALimitEndsWithTheLastPage) {
  stub_.pages = {{std::vector<Message>(1000), "a"}, {std::vector<Message>(1), ""}};
  ListMessagesRequest request;
  request.limit = 0;
  EXPECT_EQ(calls_.ListMessages(request, std::nullopt)->size(), 1001u);
  request.limit = -1;
  EXPECT_FALSE(calls_.ListMessages(request, std::nullopt).ok());
}

TEST_F(PlainCallsTest, ALongWaitIsCutIntoSlices) {
  stub_.awaited.state = MessageState::kPending;
  stub_.on_await = [this](absl::Duration wait) {
    clock_.Advance(wait);
    if (stub_.waits.size() == 3) stub_.awaited.state = MessageState::kApplied;
  };
  const auto message = calls_.Await("m1", absl::InfiniteDuration(), AwaitUntil::kFinished);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->state, MessageState::kApplied);
  EXPECT_EQ(stub_.waits.size(), 3u);
  for (const absl::Duration wait : stub_.waits) EXPECT_LE(wait, absl::Minutes(5));
}

TEST_F(PlainCallsTest, AWaitEndsWithTheMessageAsItThenIs) {
  stub_.awaited.state = MessageState::kAcked;
  stub_.on_await = [this](absl::Duration wait) { clock_.Advance(wait); };
  EXPECT_EQ(calls_.Await("m1", absl::Seconds(70), AwaitUntil::kFinished)->state, MessageState::kAcked);
  EXPECT_EQ(clock_.Now(), absl::Seconds(70));
  stub_.waits.clear();
  EXPECT_EQ(calls_.Await("m1", absl::Seconds(70), AwaitUntil::kAcked)->state, MessageState::kAcked);
  EXPECT_EQ(stub_.waits.size(), 1u);
  stub_.waits.clear();
  EXPECT_TRUE(calls_.Await("m1", absl::ZeroDuration(), AwaitUntil::kFinished).ok());
  EXPECT_THAT(stub_.waits, ElementsAre(absl::ZeroDuration()));
}

TEST_F(PlainCallsTest, AWaitSurvivesAServerThatIsAwayForAWhile) {
  stub_.failures = 20;
  stub_.awaited.state = MessageState::kApplied;
  EXPECT_TRUE(calls_.Await("m1", absl::Seconds(60), AwaitUntil::kFinished).ok());
}

}  // namespace
}  // namespace signalbox::internal
