// What becomes of the publishes of one PublishMany.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/service/commit/group_writer_fixture.h"

namespace signalbox::service {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST_F(GroupWriterTest, ThePublishesOfOneCallTravelTogether) {
  Make();
  Publish(Draft("before"));
  const NewMessage nowhere = {.run = {.id = "nowhere"}, .key = "k", .value = "v"};
  PublishMany({Draft("a"), nowhere, Draft("b", "r")});
  Publish(Draft("after"));
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(5));
  EXPECT_EQ(answered_, 3) << "one answer for the call";
  EXPECT_THAT(Codes(), ElementsAre(kOk, kOk, absl::StatusCode::kNotFound, kOk, kOk));
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 0, 3, 4));
}

TEST_F(GroupWriterTest, WhatIsRefusedAlreadyIsNotWritten) {
  Make();
  const absl::Status bad = absl::InvalidArgumentError("key");
  PublishMany({bad, bad});
  EXPECT_EQ(answered_, 1) << "nothing to wait for";
  PublishMany({bad, Draft("k"), bad});
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(1));
  EXPECT_EQ(answers_.back().status, bad);
  EXPECT_THAT(Sequences(), ElementsAre(0, 0, 0, 1, 0));
}

TEST_F(GroupWriterTest, ACallLargerThanAGroupIsAnsweredAfterItsLastCommit) {
  Make({.group = {.items = 4}});
  PublishMany({10, Draft("k")});
  Finish();
  EXPECT_THAT(group_sizes_, ElementsAre(4, 4, 2));
  EXPECT_EQ(answered_, 1);
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

// A small publish fits where a large one did not.
TEST_F(GroupWriterTest, NoPublishOfACallOvertakesAnother) {
  Make({.group = {.items = 100, .bytes = 1000}});
  NewMessage large = Draft("large");
  large.value = std::string(700, 'v');
  Publish(large);
  PublishMany({Draft("a"), large, Draft("b"), large, Draft("c")});
  Publish(Draft("other"));
  Finish();
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 4, 5, 6, 7, 3));
  EXPECT_THAT(group_sizes_, ElementsAre(3, 2, 2)) << "others need not wait for it";
}

TEST_F(GroupWriterTest, ACallThatIsRepeatedWhileItWaitsPublishesOnce) {
  Make();
  PublishMany({Draft("a", "1"), Draft("b", "2")});
  PublishMany({Draft("b", "2"), Draft("a", "1"), Draft("c", "3")});
  Finish();
  EXPECT_THAT(Codes(), Each(kOk));
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 2, 1, 3));
}

TEST_F(GroupWriterTest, ARequestIdTwiceInOneCallIsARepeat) {
  Make();
  NewMessage other = Draft("a", "1");
  other.fingerprint = "other";
  NewMessage nowhere = Draft("a", "1");
  nowhere.run = {.id = "nowhere"};
  NewMessage other_nowhere = other;
  other_nowhere.run = nowhere.run;
  PublishMany({Draft("a", "1"), Draft("b"), Draft("a", "1"), other, nowhere, nowhere, other_nowhere});
  Finish();
  constexpr auto kNotFound = absl::StatusCode::kNotFound;
  EXPECT_THAT(Codes(),
              ElementsAre(kOk, kOk, kOk, absl::StatusCode::kAlreadyExists, kNotFound, kNotFound, kNotFound));
  EXPECT_THAT(Sequences(), ElementsAre(1, 2, 1, 0, 0, 0, 0));
  EXPECT_THAT(group_sizes_, ElementsAre(2, 2, 1))
      << "repeats with the same content need no groups of their own";
}

// The true repeat was refused because of a false one before it in the call, which stored nothing.
TEST_F(GroupWriterTest, ARepeatIsOneWhateverElseTheCallSaysUnderItsRequestId) {
  Make();
  NewMessage other = Draft("a", "1");
  other.fingerprint = "other";
  Publish(Draft("a", "1"));
  PublishMany({other, Draft("a", "1"), Draft("b")});
  Finish();
  EXPECT_THAT(Codes(), ElementsAre(kOk, absl::StatusCode::kAlreadyExists, kOk, kOk));
  EXPECT_THAT(Sequences(), ElementsAre(1, 0, 1, 2));
}

TEST_F(GroupWriterTest, ThePublishesOfOneCallAreRefusedTogetherWhenTooManyWait) {
  Make({.max_waiting = 3});
  Publish(Draft("k"));
  PublishMany({3, Draft("k")});
  PublishMany({2, Draft("k")});
  Finish();
  EXPECT_THAT(Codes(), ElementsAre(kOk, kUnavailable, kUnavailable, kUnavailable, kOk, kOk));
  EXPECT_THAT(Sequences(), ElementsAre(1, 0, 0, 0, 2, 3));
}

}  // namespace
}  // namespace signalbox::service
