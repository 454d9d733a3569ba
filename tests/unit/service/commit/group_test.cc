#include "service/commit/group.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace signalbox::service {
namespace {

PendingWrite Publish(const std::string& run, const std::string& request_id, size_t value_bytes = 1) {
  NewMessage draft = {.run = {.id = run}, .key = "k", .value = std::string(value_bytes, 'v')};
  draft.request_id = request_id;
  return {PendingAppend{std::move(draft), nullptr}, absl::InfiniteFuture()};
}

PendingWrite Ack(std::vector<MessageId> ids) {
  return {PendingAck{{.ids = std::move(ids), .consumer = "w"}, nullptr}, absl::InfiniteFuture()};
}

bool Adds(Group& group, PendingWrite write) { return group.TryAdd(write); }

TEST(GroupTest, HoldsAtMostItsItems) {
  Group group({.items = 3});
  EXPECT_TRUE(Adds(group, Publish("a", "")));
  EXPECT_TRUE(Adds(group, Ack({{1, 1, 1}})));
  EXPECT_FALSE(group.IsFull());
  EXPECT_FALSE(Adds(group, Ack({{1, 2, 1}, {1, 3, 1}}))) << "each id of an ack counts";
  EXPECT_TRUE(Adds(group, Publish("a", "")));
  EXPECT_TRUE(group.IsFull());
  EXPECT_FALSE(Adds(group, Publish("a", "")));
  EXPECT_EQ(group.size(), 3U);
  EXPECT_EQ(group.appends().size(), 2U);
  EXPECT_EQ(group.acks().size(), 1U);
}

TEST(GroupTest, HoldsAtMostItsBytes) {
  Group group({.items = 100, .bytes = 1000});
  EXPECT_TRUE(Adds(group, Publish("a", "", 600)));
  EXPECT_FALSE(Adds(group, Publish("a", "", 600)));
  EXPECT_TRUE(Adds(group, Publish("a", "", 300)));
  EXPECT_FALSE(group.IsFull());
}

TEST(GroupTest, TheFirstAlwaysFits) {
  Group large_value({.items = 10, .bytes = 10});
  EXPECT_TRUE(Adds(large_value, Publish("a", "", 5000)));
  EXPECT_TRUE(large_value.IsFull());
  Group many_ids({.items = 2});
  EXPECT_TRUE(Adds(many_ids, Ack({{1, 1, 1}, {1, 2, 1}, {1, 3, 1}})));
  EXPECT_TRUE(many_ids.IsFull());
}

TEST(GroupTest, LeavesWhatItRefusesAsItWas) {
  Group group({.items = 1});
  EXPECT_TRUE(Adds(group, Publish("a", "")));
  PendingWrite write = Publish("run", "request", 7);
  EXPECT_FALSE(group.TryAdd(write));
  const NewMessage& draft = std::get<PendingAppend>(write.what).draft;
  EXPECT_EQ(draft.run.id, "run");
  EXPECT_EQ(draft.request_id, "request");
  EXPECT_EQ(draft.value.size(), 7U);
}

TEST(GroupTest, TakesARequestIdOfARunOnce) {
  Group group({});
  EXPECT_TRUE(Adds(group, Publish("a", "r")));
  EXPECT_FALSE(Adds(group, Publish("a", "r")));
  EXPECT_TRUE(Adds(group, Publish("a", "s")));
  EXPECT_TRUE(Adds(group, Publish("b", "r"))) << "a request id belongs to its run";
  EXPECT_TRUE(Adds(group, Publish("a", "")));
  EXPECT_TRUE(Adds(group, Publish("a", ""))) << "no request id is not a request id";
}

TEST(GroupTest, TakesAMessageOnce) {
  Group group({});
  EXPECT_TRUE(Adds(group, Ack({{1, 1, 1}, {1, 2, 1}})));
  EXPECT_FALSE(Adds(group, Ack({{1, 3, 1}, {1, 2, 1}})));
  EXPECT_TRUE(Adds(group, Ack({{1, 3, 1}}))) << "the refused call left no trace";
  EXPECT_TRUE(Adds(group, Ack({{2, 1, 1}})));
}

TEST(GroupTest, BytesAreThoseTheUserSent) {
  EXPECT_GE(BytesOf(Publish("a", "", 1000)), 1000U);
  PendingWrite ack = Ack({{1, 1, 1}, {1, 2, 1}});
  std::get<PendingAck>(ack.what).call.reply = std::string(500, 'r');
  std::get<PendingAck>(ack.what).call.error = std::string(100, 'e');
  EXPECT_GE(BytesOf(ack), 1200U) << "each message gets its own copy";
}

}  // namespace
}  // namespace signalbox::service
