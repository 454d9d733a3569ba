#include "sync_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_clock.h"
#include "fake_inbox_wire.h"

namespace signalbox::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Message MakeMessage(int64_t sequence) {
  Message message;
  message.id = "m" + std::to_string(sequence);
  message.sequence = sequence;
  message.key = "k";
  return message;
}

StreamProgress Synced(const std::string& cursor, int64_t head) {
  return {cursor, head, true, false, absl::InfinitePast()};
}

class SyncLoopTest : public testing::Test {
 protected:
  static SyncLoop::Options Options() {
    SyncLoop::Options options;
    options.run = RunRef::ById("r1");
    options.consumer = "me";
    options.policy.refresh_jitter = 0;
    return options;
  }

  // Lets these things happen, one a turn.
  void Happens(std::vector<WireEvent> events) {
    for (WireEvent& event : events) {
      wire_.events.push_back(std::move(event));
      loop_.Turn();
    }
  }

  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (const MessagePtr& message : shared_.state.All()) ids.push_back(message->id);
    return ids;
  }

  ConnectionState State() {
    const absl::MutexLock lock(&shared_.mu);
    return shared_.report.state;
  }

  FakeClock clock_;
  FakeInboxWire wire_{clock_};
  InboxShared shared_{AckOutbox(100, Backoff({absl::Seconds(1), absl::Seconds(1)}, [] { return 0.0; }))};
  SyncLoop loop_{Options(), shared_, wire_, clock_, [] { return 0.0; }};
};

TEST_F(SyncLoopTest, FillsTheInboxFromTheStreamWithoutPolling) {
  Happens({StreamMessage{MakeMessage(1)}, Synced("c1", 1), StreamMessage{MakeMessage(2)},
           StreamWithdrawn{"m1", {}, ""}});
  EXPECT_THAT(Ids(), ElementsAre("m2"));
  EXPECT_EQ(State(), ConnectionState::kStreaming);
  EXPECT_THAT(wire_.streams, SizeIs(1));
  EXPECT_EQ(wire_.streams[0].consumer, "me");
  EXPECT_THAT(wire_.page_tokens, IsEmpty());
}

TEST_F(SyncLoopTest, FreesWhatReadersLetGo) {
  Happens({StreamMessage{MakeMessage(1)}});
  MessagePtr held = shared_.state.Oldest("k");
  const std::weak_ptr<const Message> message = held;
  Happens({StreamWithdrawn{"m1", {}, ""}});
  held.reset();
  EXPECT_FALSE(message.expired());
  Happens({TimedOut{}});
  EXPECT_TRUE(message.expired());
}

TEST_F(SyncLoopTest, TellsWhoWaitsForANewerMessage) {
  const auto third = shared_.AwaitNewer(2);
  const auto fourth = shared_.AwaitNewer(3);
  Happens({StreamMessage{MakeMessage(2)}});
  EXPECT_EQ(third->WaitFor(absl::ZeroDuration()), std::nullopt);
  Happens({StreamMessage{MakeMessage(3)}});
  EXPECT_EQ(third->WaitFor(absl::ZeroDuration()), true);
  EXPECT_EQ(shared_.AwaitNewer(2)->WaitFor(absl::ZeroDuration()), true) << "it is there already";
  EXPECT_EQ(fourth->WaitFor(absl::ZeroDuration()), std::nullopt);
  Happens({Synced("c1", 3), StreamRunEnded{RunOutcome::kStopped}});
  EXPECT_EQ(fourth->WaitFor(absl::ZeroDuration()), false) << "nothing more will come";
  EXPECT_EQ(shared_.AwaitNewer(3)->WaitFor(absl::ZeroDuration()), false);
}

TEST_F(SyncLoopTest, NobodyIsLeftWaitingForANewerMessageAtClosing) {
  const auto told = shared_.AwaitNewer(0);
  const auto forgotten = shared_.AwaitNewer(0);
  shared_.ForgetNewer(forgotten);
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.closing = true;
  }
  loop_.Close();
  EXPECT_EQ(told->WaitFor(absl::ZeroDuration()), false);
  EXPECT_EQ(forgotten->WaitFor(absl::ZeroDuration()), std::nullopt);
}

TEST_F(SyncLoopTest, ResumesWithTheLastCursor) {
  Happens({Synced("c1", 1), StreamClosed{absl::UnavailableError("cut")}});
  loop_.Turn();
  loop_.Turn();
  ASSERT_THAT(wire_.streams, SizeIs(2));
  EXPECT_EQ(wire_.streams[1].cursor, "c1");
}

TEST_F(SyncLoopTest, ASilentStreamIsAbandonedWithItsConnection) {
  Happens({Synced("c1", 7), StreamClosed{absl::UnavailableError("restarting")}, Synced("c2", 7)});
  EXPECT_EQ(wire_.abandoned, 0) << "a stream that ends takes nothing with it";
  while (wire_.abandoned == 0 && clock_.Now() < At(60)) loop_.Turn();
  EXPECT_EQ(wire_.abandoned, 1);
}

TEST_F(SyncLoopTest, ARefusedCursorIsDroppedAndEverythingReplaced) {
  for (const absl::Status& refusal :
       {absl::OutOfRangeError("pruned"), absl::InvalidArgumentError("cursor")}) {
    Happens({StreamMessage{MakeMessage(1)}, Synced("c1", 1), StreamClosed{refusal}});
    while (!wire_.is_open) loop_.Turn();
    EXPECT_EQ(wire_.streams.back().cursor, "");
    Happens({StreamMessage{MakeMessage(2)}, Synced("c2", 2)});
    EXPECT_THAT(Ids(), ElementsAre("m2")) << refusal;
  }
}

TEST_F(SyncLoopTest, RefreshesPageByPageWhileTheStreamIsMute) {
  loop_.Turn();  // Opens the stream; a second passes.
  EXPECT_EQ(clock_.Now(), At(1));
  Happens({PageAnswered{MessagePage{{MakeMessage(1)}, "next"}}});
  EXPECT_THAT(Ids(), IsEmpty()) << "half an answer is none";
  Happens({PageAnswered{MessagePage{{MakeMessage(2)}, ""}}});
  EXPECT_THAT(wire_.page_tokens, ElementsAre("", "next"));
  EXPECT_THAT(Ids(), ElementsAre("m1", "m2"));
  EXPECT_EQ(State(), ConnectionState::kPolling);
}

TEST_F(SyncLoopTest, TheEndOfTheRunEmptiesTheInboxButAcksGoOn) {
  Happens({StreamMessage{MakeMessage(1)}, Synced("c1", 1), StreamRunEnded{RunOutcome::kStopped}});
  EXPECT_THAT(Ids(), IsEmpty());
  EXPECT_EQ(State(), ConnectionState::kEnded);
  EXPECT_FALSE(wire_.is_open);
  ASSERT_TRUE(shared_.AddAck("m0", {AckOutcome::kApplied, std::nullopt, "", 1}, nullptr).ok());
  Happens({Woken{}});
  loop_.Turn();
  EXPECT_THAT(wire_.acks, SizeIs(1));
}

TEST_F(SyncLoopTest, AcksAreRepeatedUntilTheyAreSettled) {
  Happens({StreamMessage{MakeMessage(1)}, Synced("c1", 1)});
  ASSERT_TRUE(shared_.AddAck("m1", {}, nullptr).ok());
  EXPECT_THAT(Ids(), IsEmpty());
  Happens({AckAnswered{absl::UnavailableError("away")}});
  const Instant failed_at = clock_.Now();
  loop_.Turn();
  Happens({AckAnswered{std::vector<AckResult>{{"m1", true, {}}}}});
  EXPECT_THAT(wire_.acks, SizeIs(2));
  EXPECT_GE(clock_.Now() - failed_at, absl::Seconds(1));
  const absl::MutexLock lock(&shared_.mu);
  EXPECT_TRUE(shared_.outbox.IsEmpty());
}

TEST_F(SyncLoopTest, AWaiterIsServedByARefreshThatBeganAfterItCame) {
  Happens({Synced("c1", 1)});
  const auto reached = std::make_shared<OneShot<bool>>();
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.sync_waiters.push_back({clock_.Now() + absl::Nanoseconds(1), reached});
  }
  clock_.Advance(absl::Milliseconds(1));
  Happens({Synced("c1", 1)});
  EXPECT_THAT(wire_.page_tokens, SizeIs(1));
  EXPECT_FALSE(reached->WaitFor(absl::ZeroDuration()).has_value());
  Happens({PageAnswered{MessagePage{}}, Woken{}});
  EXPECT_TRUE(reached->WaitFor(absl::ZeroDuration()).value_or(false));
}

TEST_F(SyncLoopTest, DeclaresKeysUntilItIsDone) {
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.declarations = {{"save", Kind::kCommand, ""}};
    shared_.declarations_version = 1;
  }
  Happens({DeclareAnswered{absl::UnavailableError("away")}});
  for (int i = 0; i < 5 && wire_.declared.size() < 2; ++i) loop_.Turn();
  ASSERT_THAT(wire_.declared, SizeIs(2));
  Happens({DeclareAnswered{absl::OkStatus()}});
  for (int i = 0; i < 5; ++i) loop_.Turn();
  EXPECT_THAT(wire_.declared, SizeIs(2));
}

TEST_F(SyncLoopTest, AMessageExpiresWithoutAWordFromTheServer) {
  Message message = MakeMessage(1);
  const absl::Time server_time = absl::FromUnixSeconds(5);
  message.expire_time = server_time + absl::Seconds(2);
  StreamProgress progress = Synced("c1", 1);
  progress.server_time = server_time;
  Happens({StreamMessage{message}, progress});
  EXPECT_TRUE(shared_.state.HasPending());
  loop_.Turn();
  EXPECT_EQ(clock_.Now(), At(2));
  EXPECT_FALSE(shared_.state.HasPending());
}

TEST_F(SyncLoopTest, ClosingSendsWhatItCanAndIsNotHeldUp) {
  Happens({StreamMessage{MakeMessage(1)}, Synced("c1", 1)});
  const auto receipt = std::make_shared<OneShot<absl::StatusOr<bool>>>();
  ASSERT_TRUE(shared_.AddAck("m1", {}, receipt).ok());
  const Instant start = clock_.Now();
  loop_.Close();
  EXPECT_THAT(wire_.acks, SizeIs(1));
  EXPECT_FALSE(wire_.is_open);
  EXPECT_LT(clock_.Now() - start, absl::Seconds(2));
  EXPECT_TRUE(absl::IsCancelled(receipt->WaitFor(absl::ZeroDuration())->status()));
  EXPECT_EQ(State(), ConnectionState::kClosed);
}

TEST_F(SyncLoopTest, ClosingWaitsForAnAckThatIsAnswered) {
  const auto receipt = std::make_shared<OneShot<absl::StatusOr<bool>>>();
  ASSERT_TRUE(shared_.AddAck("m1", {}, receipt).ok());
  wire_.events.emplace_back(AckAnswered{std::vector<AckResult>{{"m1", true, {}}}});
  const Instant start = clock_.Now();
  loop_.Close();
  EXPECT_EQ(clock_.Now(), start);
  EXPECT_TRUE(receipt->WaitFor(absl::ZeroDuration())->value());
}

}  // namespace
}  // namespace signalbox::internal
