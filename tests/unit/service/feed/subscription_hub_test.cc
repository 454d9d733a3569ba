#include "service/feed/subscription_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/fake_message_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_executor.h"
#include "tests/unit/service/feed/event_text.h"

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kInterval = absl::Seconds(4);
constexpr Position kStart = {0, 0};

class SubscriptionHubTest : public testing::Test {
 protected:
  // A stream as its owner sees it: takes everything it can whenever it is asked to.
  struct Stream {
    std::shared_ptr<Subscription> subscription;
    std::shared_ptr<std::atomic<int>> wakes = std::make_shared<std::atomic<int>>(0);
  };

  SubscriptionHubTest() : run_no_(log_.AddRun("run-a", "p", 1)) {}

  Stream Open(const Position& from, std::vector<std::string> keys = {}) {
    return OpenAt(log_.epoch(), from, std::move(keys));
  }
  Stream OpenAt(int64_t epoch, const Position& from, std::vector<std::string> keys = {}) {
    Stream stream;
    stream.subscription =
        hub_.Open({epoch, run_no_, from}, std::move(keys), [wakes = stream.wakes] { ++*wakes; });
    return stream;
  }
  // Everything the stream can write now, without a read of the log.
  std::vector<std::string> TakeNow(const Stream& stream) {
    std::vector<std::string> texts;
    while (std::optional<FeedItem> item = hub_.Next(stream.subscription)) {
      if (const auto* status = std::get_if<absl::Status>(&*item)) {
        texts.push_back(absl::StatusCodeToString(status->code()));
        break;
      }
      texts.push_back(Text(std::get<FeedEvent>(*item)));
    }
    return texts;
  }
  // The same as a stream's owner does it: again after each wake, with the reads that it asked for.
  std::vector<std::string> Take(const Stream& stream) {
    std::vector<std::string> texts = TakeNow(stream);
    for (int wakes = *stream.wakes; readers_.RunAll() > 0 && *stream.wakes > wakes; wakes = *stream.wakes) {
      for (std::string& text : TakeNow(stream)) texts.push_back(std::move(text));
    }
    return texts;
  }
  Stream OpenSynced() {
    Stream stream = Open(kStart);
    Take(stream);
    return stream;
  }
  std::vector<Stream> OpenSynced(int count) {
    std::vector<Stream> streams(static_cast<size_t>(count));
    for (Stream& stream : streams) stream = OpenSynced();
    return streams;
  }

  GroupOutcome Write(const std::vector<NewMessage>& drafts, const std::vector<AckCall>& calls = {}) {
    std::vector<const NewMessage*> publishes;
    std::vector<const AckCall*> acks;
    publishes.reserve(drafts.size());
    acks.reserve(calls.size());
    for (const NewMessage& draft : drafts) publishes.push_back(&draft);
    for (const AckCall& call : calls) acks.push_back(&call);
    return *log_.ApplyGroup(publishes, acks);
  }
  GroupOutcome PublishElsewhere(const std::string& key = "k") {
    return Write({{.run = {.id = "run-a"}, .key = key, .value = "v"}});
  }
  MessageId Commit(GroupOutcome outcome) {
    for (RunChanges& changes : outcome.changes) hub_.OnCommit(std::move(changes));
    return outcome.appended.empty() ? MessageId() : outcome.appended[0].message->id;
  }
  MessageId Publish(const std::string& key = "k") { return Commit(PublishElsewhere(key)); }
  GroupOutcome AckElsewhere(const MessageId& id) { return Write({}, {{.ids = {id}, .consumer = "w"}}); }
  void Ack(const MessageId& id) { Commit(AckElsewhere(id)); }

  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction()};
  const int64_t run_no_;
  ManualExecutor readers_;
  ManualExecutor waker_;
  SubscriptionHub hub_{log_,
                       readers_,
                       waker_,
                       {.progress_interval = kInterval, .max_inline_wakes = 3, .max_wakes = 4},
                       clock_.AsFunction(),
                       clock_.AsFunction()};
};

TEST_F(SubscriptionHubTest, AStreamBeginsWithWhatIsPending) {
  const MessageId acked = Publish();
  Publish();
  Ack(acked);
  Publish("other");
  const Stream stream = Open(kStart);
  EXPECT_THAT(TakeNow(stream), IsEmpty());
  EXPECT_EQ(readers_.waiting(), 1U);
  EXPECT_THAT(Take(stream), ElementsAre("message 2", "message 3", "synced 3+1"));
  EXPECT_EQ(*stream.wakes, 1) << "woken when the read was done";
  EXPECT_THAT(Take(Open(kStart, {"other"})), ElementsAre("message 3", "synced 3+1"));
}

TEST_F(SubscriptionHubTest, AResumedStreamLearnsWhatItMissed) {
  const MessageId first = Publish();
  Publish();
  Ack(first);
  Publish();
  EXPECT_THAT(Take(Open({2, 0})), ElementsAre("withdrawn 1", "message 3", "synced 3+1"));
}

TEST_F(SubscriptionHubTest, CommitsAreServedFromMemory) {
  const Stream one = OpenSynced();
  const Stream two = OpenSynced();
  const int reads = log_.change_read_count();
  const MessageId id = Publish();
  EXPECT_THAT(TakeNow(one), ElementsAre("message 1"));
  Ack(id);
  Publish();
  EXPECT_THAT(TakeNow(one), ElementsAre("withdrawn 1", "message 2"));
  EXPECT_THAT(TakeNow(two), ElementsAre("message 1", "withdrawn 1", "message 2"))
      << "a stream that is a little behind, too";
  EXPECT_EQ(readers_.waiting(), 0U);
  EXPECT_EQ(log_.change_read_count(), reads);
}

TEST_F(SubscriptionHubTest, ACommitDuringTheFirstReadIsNotLost) {
  Publish();
  const Stream stream = Open(kStart);
  EXPECT_THAT(TakeNow(stream), IsEmpty());
  Publish();
  EXPECT_THAT(Take(stream), ElementsAre("message 1", "message 2", "synced 2+0"));

  const Stream other = Open(kStart);
  TakeNow(other);
  readers_.RunAll();
  Publish();
  EXPECT_THAT(Take(other), ElementsAre("message 1", "message 2", "message 3", "synced 3+0"));
}

// The feed still holds the commit that made message 1 pending. A stream that begins later must not be
// served from it: its ack has returned, so nobody who asks from now on may be given the message.
TEST_F(SubscriptionHubTest, AStreamThatBeginsAfterAnAckNeverSeesTheMessage) {
  const Stream early = OpenSynced();
  const MessageId id = Publish();
  Ack(id);
  EXPECT_THAT(TakeNow(early), ElementsAre("message 1", "withdrawn 1"));
  const Stream late = Open(kStart);
  EXPECT_THAT(Take(late), ElementsAre("synced 1+1"));
  clock_.Advance(kInterval);
  EXPECT_THAT(Take(late), ElementsAre("synced 1+1"));
}

// What this replica knows of a run may be older than what another one committed and answered.
TEST_F(SubscriptionHubTest, ANewStreamLooksAtTheLogBeforeItIsSynced) {
  const Stream early = OpenSynced();
  PublishElsewhere();
  EXPECT_THAT(Take(Open(kStart)), ElementsAre("message 1", "synced 1+0"));
}

// A resumed stream whose place is among the records in memory has something to write at once.
TEST_F(SubscriptionHubTest, AStreamNeverWaitsForItsHeartbeatToSayWhatItHas) {
  const Stream early = OpenSynced();
  Publish();
  Publish();
  const Stream resumed = Open({1, 0});
  EXPECT_THAT(Take(resumed), ElementsAre("message 2", "synced 2+0"));
}

TEST_F(SubscriptionHubTest, AGapMakesOneReadForAll) {
  const std::vector<Stream> streams = OpenSynced(3);
  const int reads = log_.change_read_count();
  PublishElsewhere();
  Publish();  // its commit begins at 1, which nobody here knows of
  EXPECT_EQ(readers_.RunAll(), 1);
  for (const Stream& stream : streams) EXPECT_THAT(TakeNow(stream), ElementsAre("message 1", "message 2"));
  EXPECT_EQ(log_.change_read_count(), reads + 1);
}

TEST_F(SubscriptionHubTest, AHintMakesOneReadForAll) {
  const std::vector<Stream> streams = OpenSynced(3);
  const int reads = log_.change_read_count();
  PublishElsewhere();
  hub_.OnHint({run_no_, run_no_ + 7});
  hub_.OnHint({run_no_});
  readers_.RunAll();
  for (const Stream& stream : streams) EXPECT_THAT(TakeNow(stream), ElementsAre("message 1"));
  EXPECT_LE(log_.change_read_count(), reads + 2) << "one, and one more because a hint came meanwhile";
  hub_.OnHint({run_no_});
  EXPECT_EQ(readers_.RunAll(), 1);
  EXPECT_THAT(TakeNow(streams[0]), IsEmpty()) << "a hint without news";
}

TEST_F(SubscriptionHubTest, ALostHintIsMadeUpFor) {
  const Stream stream = OpenSynced();
  PublishElsewhere();
  hub_.OnHintsLost();
  EXPECT_THAT(Take(stream), ElementsAre("message 1"));
}

// A hint may overtake the report of this replica's own commit. The read that it causes sees more than
// the commit; what it sees beyond must not be forgotten.
TEST_F(SubscriptionHubTest, AReadThatOverlapsACommitIsNotLost) {
  const Stream stream = OpenSynced();
  GroupOutcome own = PublishElsewhere();  // committed here, not yet reported
  PublishElsewhere();                     // committed by another replica
  hub_.OnHint({run_no_});
  Commit(std::move(own));
  EXPECT_THAT(Take(stream), ElementsAre("message 1", "message 2"));
}

TEST_F(SubscriptionHubTest, AStreamFarBehindReadsTheLogItself) {
  const Stream slow = OpenSynced();
  const Stream fast = OpenSynced();
  std::vector<std::string> all;
  for (int i = 1; i <= static_cast<int>(RunFeed::kMaxRecords) + 5; ++i) {
    Publish();
    all.push_back(absl::StrCat("message ", i));
    TakeNow(fast);
  }
  const int reads = log_.change_read_count();
  EXPECT_THAT(TakeNow(slow), IsEmpty());
  EXPECT_THAT(Take(slow), testing::ElementsAreArray(all));
  EXPECT_EQ(log_.change_read_count(), reads + 1);
}

TEST_F(SubscriptionHubTest, ALongSnapshotIsReadInPages) {
  SubscriptionHub hub(log_, readers_, waker_, {.page = {.rows = 2, .bytes = 1000}}, clock_.AsFunction(),
                      clock_.AsFunction());
  for (int i = 0; i < 5; ++i) PublishElsewhere();
  const auto subscription = hub.Open({log_.epoch(), run_no_, kStart}, {}, [] {});
  std::vector<std::string> texts;
  do {
    while (const std::optional<FeedItem> item = hub.Next(subscription))
      texts.push_back(Text(std::get<FeedEvent>(*item)));
  } while (readers_.RunAll() > 0);
  EXPECT_THAT(texts,
              ElementsAre("message 1", "message 2", "message 3", "message 4", "message 5", "synced 5+0"));
  EXPECT_EQ(log_.change_read_count(), 3);
}

// Heartbeats stopped for as long as somebody had set the wall clock back.
TEST_F(SubscriptionHubTest, AWallClockThatIsSetBackStopsNoHeartbeats) {
  ManualClock wall;
  SubscriptionHub hub(log_, readers_, waker_, {.progress_interval = kInterval}, clock_.AsFunction(),
                      wall.AsFunction());
  const auto subscription = hub.Open({log_.epoch(), run_no_, kStart}, {}, [] {});
  do {
    while (hub.Next(subscription)) continue;
  } while (readers_.RunAll() > 0);
  wall.Advance(-absl::Hours(24));
  clock_.Advance(kInterval);
  EXPECT_TRUE(hub.Next(subscription).has_value());
}

TEST_F(SubscriptionHubTest, HeadsOfTheSweepFindWhatNoHintTold) {
  const Stream stream = OpenSynced();
  PublishElsewhere();
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  EXPECT_THAT(Take(stream), ElementsAre("message 1"));
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  EXPECT_EQ(readers_.waiting(), 0U) << "nothing new, nothing read";
}

TEST_F(SubscriptionHubTest, HeadsOlderThanACommitMeanNothing) {
  const Stream stream = OpenSynced();
  const std::vector<RunHead> heads = *log_.ReadHeads({run_no_});
  Publish();
  hub_.OnHeads({run_no_}, heads);
  EXPECT_EQ(readers_.waiting(), 0U);
  EXPECT_THAT(TakeNow(stream), ElementsAre("message 1"));
}

TEST_F(SubscriptionHubTest, TheEndOfTheRunEndsTheStream) {
  const Stream stream = OpenSynced();
  Publish();
  log_.EndRun(run_no_, RunOutcome::kStopped);
  hub_.OnHint({run_no_});
  readers_.RunAll();
  EXPECT_THAT(TakeNow(stream), ElementsAre("message 1", "ended 3", "OK"));
  EXPECT_THAT(TakeNow(stream), ElementsAre("OK"));
  EXPECT_THAT(Take(Open(kStart)), ElementsAre("ended 3", "OK"));
}

TEST_F(SubscriptionHubTest, TheSweepFindsTheEndOfARunThatChangedNothing) {
  const Stream stream = OpenSynced();
  log_.EndRun(run_no_, RunOutcome::kCompleted);
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  EXPECT_THAT(Take(stream), ElementsAre("ended 1", "OK"));
}

TEST_F(SubscriptionHubTest, ACursorThatCannotBeHonouredEndsTheStream) {
  EXPECT_THAT(Take(Open({5, 0})), ElementsAre("OUT_OF_RANGE"));
  EXPECT_THAT(Take(OpenAt(77, kStart)), ElementsAre("OUT_OF_RANGE"));
}

TEST_F(SubscriptionHubTest, AnotherHistoryEndsTheStreams) {
  const Stream by_sweep = OpenSynced();
  log_.SetEpoch(2);
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  EXPECT_THAT(TakeNow(by_sweep), ElementsAre("OUT_OF_RANGE"));
  EXPECT_GT(*by_sweep.wakes, 0);

  const Stream by_commit = OpenSynced();
  log_.SetEpoch(3);
  Publish();
  EXPECT_THAT(Take(by_commit), ElementsAre("OUT_OF_RANGE"));

  const Stream by_newcomer = OpenSynced();
  log_.SetEpoch(4);
  const Stream newcomer = Open(kStart);
  EXPECT_THAT(TakeNow(by_newcomer), ElementsAre("OUT_OF_RANGE"));
  EXPECT_THAT(Take(newcomer), ElementsAre("message 1", "synced 1+0"));
}

// The read was on its way when the database was replaced; its answer concerns the old streams only.
TEST_F(SubscriptionHubTest, AReadOfTheOldHistoryDoesNotEndStreamsOfTheNew) {
  const Stream old = OpenSynced();
  PublishElsewhere();
  hub_.OnHint({run_no_});
  log_.SetEpoch(2);
  const Stream fresh = Open(kStart);
  EXPECT_THAT(TakeNow(old), ElementsAre("OUT_OF_RANGE"));
  EXPECT_THAT(Take(fresh), ElementsAre("message 1", "synced 1+0"));
}

TEST_F(SubscriptionHubTest, ARunThatIsGoneEndsItsStreams) {
  const Stream stream = OpenSynced();
  log_.ForgetRun(run_no_);
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  EXPECT_THAT(TakeNow(stream), ElementsAre("OUT_OF_RANGE"));
}

TEST_F(SubscriptionHubTest, WithoutTheDatabaseAStreamStaysOpenAndTriesAgain) {
  PublishElsewhere();
  log_.FailReads(absl::UnavailableError("database is away"));
  const Stream stream = Open(kStart);
  EXPECT_THAT(TakeNow(stream), IsEmpty());
  readers_.RunAll();
  hub_.SetStale(true);
  EXPECT_THAT(Take(stream), ElementsAre("stale at 0+0"));
  clock_.Advance(kInterval);
  EXPECT_THAT(Take(stream), ElementsAre("stale at 0+0")) << "the heartbeat goes on";
  log_.FailReads(absl::OkStatus());
  const int wakes = *stream.wakes;
  clock_.Advance(absl::Seconds(1));
  hub_.WakeDue();
  EXPECT_EQ(*stream.wakes, wakes + 1) << "soon, not only at the next heartbeat";
  hub_.SetStale(false);
  EXPECT_THAT(Take(stream), ElementsAre("at 0+0", "message 1", "synced 1+0"));
}

TEST_F(SubscriptionHubTest, StalenessIsToldToStreamsThatAreSynced) {
  const Stream stream = OpenSynced();
  hub_.SetStale(true);
  hub_.SetStale(true);
  EXPECT_THAT(TakeNow(stream), ElementsAre("stale synced 0+0"));
  hub_.SetStale(false);
  EXPECT_THAT(TakeNow(stream), ElementsAre("synced 0+0"));
}

// It once said that nothing was missing at a head of before the outage.
TEST_F(SubscriptionHubTest, AStreamIsStaleUntilWhatItMissedIsRead) {
  const Stream stream = OpenSynced();
  hub_.SetStale(true);
  EXPECT_THAT(TakeNow(stream), ElementsAre("stale synced 0+0"));
  PublishElsewhere();
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  hub_.SetStale(false);
  EXPECT_THAT(TakeNow(stream), IsEmpty());
  EXPECT_THAT(Take(stream), ElementsAre("message 1", "synced 1+0"));
}

// The news are there before the read is over.
TEST_F(SubscriptionHubTest, ItIsStaleNoLongerWhenTheNewsCameFromElsewhere) {
  const Stream stream = OpenSynced();
  hub_.SetStale(true);
  TakeNow(stream);
  GroupOutcome news = PublishElsewhere();
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  hub_.SetStale(false);
  Commit(std::move(news));
  EXPECT_THAT(TakeNow(stream), ElementsAre("message 1"));
  EXPECT_THAT(Take(stream), ElementsAre("synced 1+0"));
}

TEST_F(SubscriptionHubTest, ItIsNotStaleForEverWhenTheReadFailsAndACommitBringsTheNews) {
  const Stream stream = OpenSynced();
  hub_.SetStale(true);
  TakeNow(stream);
  GroupOutcome news = PublishElsewhere();
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  log_.FailReads(absl::UnavailableError("away"));
  hub_.SetStale(false);
  readers_.RunAll();
  Commit(std::move(news));
  EXPECT_THAT(TakeNow(stream), ElementsAre("message 1"));
  log_.FailReads(absl::OkStatus());
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  EXPECT_THAT(TakeNow(stream), ElementsAre("synced 1+0"));
}

// Its snapshot may be of before the heads.
TEST_F(SubscriptionHubTest, AReadOfBeforeTheHeadsDoesNotEndStaleness) {
  const Stream stream = OpenSynced();
  PublishElsewhere();
  hub_.OnHint({run_no_});
  hub_.SetStale(true);
  TakeNow(stream);
  PublishElsewhere();
  hub_.OnHeads({run_no_}, *log_.ReadHeads({run_no_}));
  hub_.SetStale(false);
  EXPECT_THAT(TakeNow(stream), IsEmpty());
  EXPECT_THAT(Take(stream), testing::Not(testing::Contains("synced 1+0")));
}

TEST_F(SubscriptionHubTest, ADefectOfTheReadEndsTheStream) {
  log_.FailReads(absl::InternalError("defect"));
  EXPECT_THAT(Take(Open(kStart)), ElementsAre("INTERNAL"));
}

TEST_F(SubscriptionHubTest, AFullQueueOfReadersIsTriedAgainSoon) {
  const Stream stream = Open(kStart);
  readers_.Refuse(absl::UnavailableError("too much is waiting"));
  EXPECT_THAT(TakeNow(stream), IsEmpty());
  readers_.Refuse(absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  hub_.WakeDue();
  EXPECT_EQ(*stream.wakes, 1);
  EXPECT_THAT(Take(stream), ElementsAre("synced 0+0"));
}

TEST_F(SubscriptionHubTest, WakesTheStreamsWhoseProgressIsDue) {
  const Stream stream = OpenSynced();
  const int wakes = *stream.wakes;
  clock_.Advance(kInterval - absl::Milliseconds(1));
  hub_.WakeDue();
  EXPECT_EQ(*stream.wakes, wakes);
  clock_.Advance(absl::Milliseconds(1));
  hub_.WakeDue();
  EXPECT_EQ(*stream.wakes, wakes + 1);
  EXPECT_THAT(TakeNow(stream), ElementsAre("synced 0+0"));
}

TEST_F(SubscriptionHubTest, AStreamThatNeverRestsSaysWhereItIs) {
  const Stream stream = OpenSynced();
  std::vector<std::string> texts;
  for (int i = 0; i < 3; ++i) {
    Publish();
    clock_.Advance(kInterval / 2);
    const std::optional<FeedItem> item = hub_.Next(stream.subscription);
    ASSERT_TRUE(item.has_value());
    texts.push_back(Text(std::get<FeedEvent>(*item)));
  }
  EXPECT_THAT(texts, testing::Contains(testing::HasSubstr("at ")));
}

TEST_F(SubscriptionHubTest, ManyStreamsAreWokenByTheWaker) {
  const std::vector<Stream> streams = OpenSynced(4);
  const int before = *streams[0].wakes;
  Publish();
  EXPECT_EQ(*streams[0].wakes, before) << "not on the committing thread";
  EXPECT_EQ(waker_.RunAll(), 1);
  for (const Stream& stream : streams) EXPECT_GT(*stream.wakes, 0);
  waker_.Refuse(absl::UnavailableError("full"));
  Publish();
  EXPECT_EQ(*streams[0].wakes, before + 2) << "rather here than not at all";
}

TEST_F(SubscriptionHubTest, TheWakerWakesSomeAtATime) {
  const std::vector<Stream> streams = OpenSynced(9);
  std::vector<int> before;
  for (const Stream& stream : streams) before.push_back(*stream.wakes);
  const auto woken = [&] {
    int count = 0;
    for (size_t i = 0; i < streams.size(); ++i) count += *streams[i].wakes - before[i];
    return count;
  };
  Publish();
  ASSERT_EQ(waker_.waiting(), 1U);
  waker_.RunOne();
  EXPECT_EQ(woken(), 4);
  waker_.RunOne();
  EXPECT_EQ(woken(), 8);
  waker_.Refuse(absl::UnavailableError("stopping"));
  waker_.RunOne();
  EXPECT_EQ(woken(), 9);
  EXPECT_EQ(waker_.waiting(), 0U);
}

TEST_F(SubscriptionHubTest, ForgetsAStreamThatIsClosed) {
  const Stream one = OpenSynced();
  const Stream two = OpenSynced();
  EXPECT_THAT(hub_.RunsWithSubscribers(), ElementsAre(run_no_));
  hub_.Close(one.subscription);
  hub_.Close(one.subscription);
  const int wakes = *one.wakes;
  Publish();
  EXPECT_EQ(*one.wakes, wakes);
  hub_.Close(two.subscription);
  EXPECT_THAT(hub_.RunsWithSubscribers(), IsEmpty());
  Publish();
  hub_.OnHint({run_no_});
  EXPECT_EQ(readers_.waiting(), 0U) << "nobody wants to know";
}

TEST_F(SubscriptionHubTest, AReadOfAClosedStreamDoesNoHarm) {
  const Stream stream = Open(kStart);
  TakeNow(stream);
  hub_.Close(stream.subscription);
  EXPECT_EQ(readers_.RunAll(), 1);
}

TEST_F(SubscriptionHubTest, DrainEndsEveryStreamAndEveryNewOne) {
  const Stream stream = OpenSynced();
  const int wakes = *stream.wakes;
  hub_.Drain(absl::UnavailableError("the server is stopping"));
  EXPECT_EQ(*stream.wakes, wakes + 1);
  EXPECT_THAT(TakeNow(stream), ElementsAre("UNAVAILABLE"));
  EXPECT_THAT(TakeNow(Open(kStart)), ElementsAre("UNAVAILABLE"));
}

// Readers, committers and a draining server all at once: no deadlock, no double delivery.
TEST_F(SubscriptionHubTest, SurvivesManyThreads) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        readers_.RunAll();
        waker_.RunAll();
        std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      int64_t last = 0;
      for (int round = 0; round < 20 && !stop; ++round) {
        const Stream stream = Open({0, 0});
        for (int step = 0; step < 200; ++step) {
          const std::optional<FeedItem> item = hub_.Next(stream.subscription);
          if (!item) continue;
          const auto* event = std::get_if<FeedEvent>(&*item);
          const auto* message = event != nullptr ? std::get_if<MessagePtr>(event) : nullptr;
          if (message == nullptr) continue;
          EXPECT_GT((*message)->id.sequence, last);
          last = (*message)->id.sequence;
        }
        last = 0;
        hub_.Close(stream.subscription);
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    const MessageId id = Publish();
    if (i % 3 == 0) Ack(id);
    hub_.OnHint({run_no_});
  }
  for (size_t i = 2; i < threads.size(); ++i) threads[i].join();
  stop = true;
  for (size_t i = 0; i < 2; ++i) threads[i].join();
}

}  // namespace
}  // namespace signalbox::service
