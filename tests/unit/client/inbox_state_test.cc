#include "inbox_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "fake_clock.h"

namespace signalbox::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Message MakeMessage(int64_t sequence, const std::string& key = "k") {
  Message message;
  message.id = "m" + std::to_string(sequence);
  message.sequence = sequence;
  message.key = key;
  message.value = static_cast<double>(sequence);
  return message;
}

std::vector<std::string> Ids(const InboxState& state) {
  std::vector<std::string> ids;
  for (const MessagePtr& message : state.All()) ids.push_back(message->id);
  return ids;
}

TEST(InboxStateTest, HoldsWhatTheStreamSaysInOrder) {
  InboxState state;
  EXPECT_FALSE(state.HasPending());
  EXPECT_EQ(state.Oldest("k"), nullptr);
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1, "a"));
  state.OnStreamMessage(MakeMessage(2, "b"));
  state.OnStreamMessage(MakeMessage(5, "a"));
  EXPECT_THAT(Ids(state), ElementsAre("m1", "m2", "m5"));
  EXPECT_EQ(state.Oldest("a")->id, "m1");
  EXPECT_EQ(state.Oldest("b")->id, "m2");
  EXPECT_EQ(state.Oldest("c"), nullptr);
  state.OnWithdrawn("m1");
  EXPECT_EQ(state.Oldest("a")->id, "m5");
  state.OnWithdrawn("m1");
  EXPECT_THAT(Ids(state), ElementsAre("m2", "m5"));
}

TEST(InboxStateTest, DoublesAreDropped) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnStreamMessage(MakeMessage(1));
  state.OnRefreshStarted();
  state.OnRefreshed({MakeMessage(1)});
  EXPECT_THAT(Ids(state), ElementsAre("m1"));
}

TEST(InboxStateTest, AFreshStreamReplacesEverythingOnceItIsSynced) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnStreamMessage(MakeMessage(2));
  state.OnProgress("c2", 2, true);
  state.DropCursor();
  state.OnStreamOpening();
  EXPECT_THAT(Ids(state), ElementsAre("m1", "m2")) << "readable until it is known better";
  state.OnStreamMessage(MakeMessage(2));
  state.OnStreamMessage(MakeMessage(3));
  state.OnProgress("c3", 3, true);
  EXPECT_THAT(Ids(state), ElementsAre("m2", "m3"));
}

TEST(InboxStateTest, AResumedStreamForgetsWhatWasNewerThanTheCursor) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnProgress("c1", 1, true);
  state.OnStreamMessage(MakeMessage(2));
  state.OnStreamMessage(MakeMessage(3));
  EXPECT_EQ(state.cursor(), "c1");
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(3));  // m2 was withdrawn meanwhile, which nobody tells.
  state.OnProgress("c3", 3, true);
  EXPECT_THAT(Ids(state), ElementsAre("m1", "m3"));
}

TEST(InboxStateTest, AResumedStreamTellsWhatWasWithdrawnBeforeTheCursor) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnStreamMessage(MakeMessage(2));
  state.OnProgress("c2", 2, true);
  state.OnStreamOpening();
  state.OnWithdrawn("m1");
  state.OnProgress("c2", 2, true);
  EXPECT_THAT(Ids(state), ElementsAre("m2"));
}

TEST(InboxStateTest, WhatWasVouchedForOnceIsCarriedAcrossManyReconnects) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnProgress("c1", 1, true);
  state.OnStreamMessage(MakeMessage(2));
  for (int i = 0; i < 3; ++i) {
    state.OnStreamOpening();
    state.OnStreamMessage(MakeMessage(2));
  }
  state.OnProgress("c2", 2, true);
  EXPECT_THAT(Ids(state), ElementsAre("m1", "m2"));
}

TEST(InboxStateTest, ARefreshAddsAndRemoves) {
  InboxState state;
  state.OnRefreshStarted();
  state.OnRefreshed({MakeMessage(1), MakeMessage(2)});
  EXPECT_THAT(Ids(state), ElementsAre("m1", "m2"));
  state.OnRefreshStarted();
  state.OnRefreshed({MakeMessage(2), MakeMessage(3)});
  EXPECT_THAT(Ids(state), ElementsAre("m2", "m3"));
  state.OnRefreshStarted();
  state.OnRefreshAbandoned();
  EXPECT_THAT(Ids(state), ElementsAre("m2", "m3"));
}

TEST(InboxStateTest, ARefreshThatIsOlderThanTheStreamUndoesNothing) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnProgress("c1", 1, true);
  state.OnRefreshStarted();
  state.OnWithdrawn("m1");
  state.OnStreamMessage(MakeMessage(2));
  state.OnRefreshed({MakeMessage(1)});
  EXPECT_THAT(Ids(state), ElementsAre("m2"));
}

// m1 is withdrawn between the refresh and the snapshot of the stream, so the stream never names it.
TEST(InboxStateTest, WhatOnlyARefreshKnewDoesNotOutliveTheNextProof) {
  InboxState state;
  state.OnStreamOpening();
  state.OnRefreshStarted();
  state.OnRefreshed({MakeMessage(1), MakeMessage(9)});
  state.OnStreamMessage(MakeMessage(2));
  state.OnProgress("c2", 2, true);
  EXPECT_THAT(Ids(state), ElementsAre("m2", "m9")) << "m9 is newer than what the stream knows";
  state.OnProgress("c9", 9, true);
  EXPECT_THAT(Ids(state), ElementsAre("m2"));
}

TEST(InboxStateTest, AnUnsyncedProgressProvesNothing) {
  InboxState state;
  state.OnRefreshStarted();
  state.OnRefreshed({MakeMessage(1)});
  state.OnStreamOpening();
  state.OnProgress("", 5, false);
  EXPECT_THAT(Ids(state), ElementsAre("m1"));
}

TEST(InboxStateTest, ATakenMessageIsNotShownAgainUntilTheServerIsDoneWithIt) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  EXPECT_TRUE(state.Take("m1"));
  EXPECT_FALSE(state.Take("m1"));
  EXPECT_FALSE(state.HasPending());
  EXPECT_THAT(Ids(state), IsEmpty());
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  EXPECT_THAT(Ids(state), IsEmpty()) << "sent again before the ack arrived";
  state.OnSettled("m1");
  state.OnStreamMessage(MakeMessage(1));
  EXPECT_THAT(Ids(state), IsEmpty()) << "a copy that was on its way";
  state.OnWithdrawn("m1");
  EXPECT_THAT(Ids(state), IsEmpty());
}

TEST(InboxStateTest, ATakenMessageStaysHiddenWhenTheServerDropsItBeforeTheAckIsSettled) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  EXPECT_TRUE(state.Take("m1"));
  state.OnWithdrawn("m1");
  state.OnStreamMessage(MakeMessage(1));
  EXPECT_FALSE(state.HasPending());
}

TEST(InboxStateTest, AMessageExpiresByTheServersClock) {
  InboxState state;
  Message message = MakeMessage(1);
  const absl::Time server_time = absl::FromUnixSeconds(1000);  // Far from the clock of this machine.
  message.expire_time = server_time + absl::Seconds(10);
  state.OnStreamOpening();
  state.OnStreamMessage(message);
  EXPECT_EQ(state.NextExpiry(), Never()) << "the server's clock is not known yet";
  state.Expire(At(1e9));
  EXPECT_TRUE(state.HasPending());
  state.SetServerTime(server_time, At(500));
  EXPECT_EQ(state.NextExpiry(), At(510));
  state.Expire(At(509.9));
  EXPECT_TRUE(state.HasPending());
  state.Expire(At(510));
  EXPECT_FALSE(state.HasPending());
  EXPECT_EQ(state.Oldest("k"), nullptr);
  EXPECT_EQ(state.NextExpiry(), Never());
}

TEST(InboxStateTest, AnotherMessageInTheSamePlaceReplacesTheOld) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  Message other = MakeMessage(1);
  other.id = "restored";
  state.OnStreamMessage(other);
  EXPECT_THAT(Ids(state), ElementsAre("restored"));
}

TEST(InboxStateTest, ClearForgetsEverything) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnProgress("c1", 1, true);
  state.OnRefreshStarted();
  state.Clear();
  state.OnRefreshed({MakeMessage(1)});
  EXPECT_FALSE(state.HasPending());
  EXPECT_EQ(state.cursor(), "");
}

TEST(InboxStateTest, AWithdrawnMessageIsFreedOnlyByTheInboxWhileItLives) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  MessagePtr held = state.Oldest("k");
  const std::weak_ptr<const Message> message = held;
  state.OnWithdrawn("m1");
  state.FreeUnread();
  EXPECT_EQ(held->id, "m1");
  held.reset();
  EXPECT_FALSE(message.expired());
  state.FreeUnread();
  EXPECT_TRUE(message.expired());
}

TEST(InboxStateTest, NothingIsKeptThatNobodyHolds) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1));
  state.OnStreamMessage(MakeMessage(2));
  const std::weak_ptr<const Message> withdrawn = state.Oldest("k");
  state.OnWithdrawn("m1");
  EXPECT_TRUE(withdrawn.expired());
  const std::weak_ptr<const Message> cleared = state.Oldest("k");
  state.Clear();
  EXPECT_TRUE(cleared.expired());
}

TEST(InboxStateTest, AMessageThatIsHeldOutlivesTheInbox) {
  MessagePtr held;
  {
    InboxState state;
    state.OnStreamOpening();
    state.OnStreamMessage(MakeMessage(1));
    held = state.Oldest("k");
    state.Clear();
  }
  EXPECT_EQ(held->id, "m1");
  EXPECT_EQ(held.use_count(), 1);
}

// Whatever a reader sees is in order and was pending at one time: 2k+1 comes before 2k+2 and leaves
// after it, so nobody may see 2k+2 alone.
TEST(InboxStateTest, ReadersAlwaysSeeAConsistentSnapshot) {
  InboxState state;
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        int64_t last = 0;
        for (const MessagePtr& message : state.All()) {
          const bool has_partner = message->sequence % 2 == 1 || last == message->sequence - 1;
          if (message->sequence <= last || !has_partner) ++wrong;
          last = message->sequence;
        }
        state.Oldest("k");
      }
    });
  }
  state.OnStreamOpening();
  for (int64_t pair = 0; pair < 3000; ++pair) {
    state.OnStreamMessage(MakeMessage(2 * pair + 1));
    state.OnStreamMessage(MakeMessage(2 * pair + 2));
    if (pair < 10) continue;
    const int64_t old = pair - 10;
    state.OnWithdrawn("m" + std::to_string(2 * old + 2));
    state.OnWithdrawn("m" + std::to_string(2 * old + 1));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace signalbox::internal
