#include "watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_clock.h"
#include "fake_inbox_wire.h"

namespace signalbox::internal {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Type = WatchEvent::Type;

class WatcherTest : public testing::Test {
 protected:
  // Watches until there is nothing more to tell for a minute, or it ends by itself.
  absl::Status Watch(WatchRequest request = {RunRef::ById("r1"), {}, ""}) {
    Watcher watcher(std::move(request), wire_, clock_,
                    Backoff({absl::Seconds(1), absl::Seconds(1)}, [] { return 0.0; }));
    return watcher.Run([this](const WatchEvent* event) {
      if (event != nullptr) told_.push_back(event->type);
      return clock_.Now() < absl::Minutes(1);
    });
  }

  FakeClock clock_;
  FakeInboxWire wire_{clock_};
  std::vector<Type> told_;
};

TEST_F(WatcherTest, TellsEverythingUntilTheRunEnds) {
  wire_.events = {StreamMessage{}, StreamProgress{"c1", 1, true, false, absl::InfinitePast()},
                  StreamWithdrawn{}, StreamRunEnded{}};
  EXPECT_TRUE(Watch().ok());
  EXPECT_THAT(told_, ElementsAre(Type::kMessage, Type::kSynced, Type::kWithdrawn, Type::kRunEnded));
}

TEST_F(WatcherTest, GoesOnWithTheCursorAfterABreak) {
  wire_.events = {StreamProgress{"c1", 1, true, false, absl::InfinitePast()},
                  StreamClosed{absl::UnavailableError("cut")}, TimedOut{}};
  ASSERT_TRUE(Watch().ok());
  EXPECT_EQ(told_[1], Type::kInterrupted);
  ASSERT_GE(wire_.streams.size(), 2u);
  EXPECT_EQ(wire_.streams[1].cursor, "c1");
}

TEST_F(WatcherTest, AnOldCursorIsDropped) {
  wire_.events = {StreamClosed{absl::OutOfRangeError("pruned")}};
  ASSERT_TRUE(Watch({RunRef::ById("r1"), {}, "old"}).ok());
  EXPECT_EQ(wire_.streams[0].cursor, "old");
  EXPECT_EQ(wire_.streams[1].cursor, "");
}

TEST_F(WatcherTest, ARefusalEndsIt) {
  wire_.events = {StreamClosed{absl::NotFoundError("no such run")}};
  EXPECT_TRUE(absl::IsNotFound(Watch()));
  EXPECT_THAT(wire_.streams, SizeIs(1));
}

TEST_F(WatcherTest, ASilentStreamIsOpenedAgain) {
  ASSERT_TRUE(Watch().ok());
  // A minute of silence: opened at 0 and about every 16 s.
  EXPECT_THAT(wire_.streams, SizeIs(4));
  EXPECT_EQ(wire_.abandoned, 3) << "each over a new connection";
}

}  // namespace
}  // namespace signalbox::internal
