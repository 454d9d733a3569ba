#include "service/read/snapshot_cache.h"

#include <gtest/gtest.h>

namespace signalbox::service {
namespace {

PendingSnapshotPtr Snapshot(size_t value_bytes) {
  auto message = std::make_shared<Message>();
  message->value = std::string(value_bytes, 'v');
  return std::make_shared<const PendingSnapshot>(PendingSnapshot{.messages = {std::move(message)}});
}

TEST(SnapshotCacheTest, FindsWhatWasPutLast) {
  SnapshotCache cache(1 << 20);
  EXPECT_EQ(cache.Find("a"), nullptr);
  cache.Put("a", Snapshot(1));
  const PendingSnapshotPtr newer = Snapshot(2);
  cache.Put("a", newer);
  EXPECT_EQ(cache.Find("a"), newer);
}

TEST(SnapshotCacheTest, ForgetsWhatIsGone) {
  SnapshotCache cache(1 << 20);
  cache.Put("a", Snapshot(1));
  cache.Put("a", nullptr);
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(SnapshotCacheTest, MakesRoomByWhatWasNotUsedForLongest) {
  SnapshotCache cache(20'000);
  cache.Put("a", Snapshot(3000));
  cache.Put("b", Snapshot(3000));
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Put("c", Snapshot(3000));
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_NE(cache.Find("c"), nullptr);
  EXPECT_LE(cache.bytes(), 20'000u);
}

TEST(SnapshotCacheTest, KeepsNothingThatIsTooLargeByItself) {
  SnapshotCache cache(1000);
  cache.Put("a", Snapshot(3000));
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace signalbox::service
