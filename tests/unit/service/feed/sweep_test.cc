#include "service/feed/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_message_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_executor.h"
#include "tests/unit/service/feed/event_text.h"

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SweepTest : public testing::Test {
 protected:
  SweepTest() : run_no_(log_.AddRun("run-a", "p", 1)) {}

  void Open() {
    stream_ = hub_.Open({log_.epoch(), run_no_, {}}, {}, [] {});
  }
  std::vector<std::string> Take() {
    std::vector<std::string> texts;
    do {
      while (const std::optional<FeedItem> item = hub_.Next(stream_))
        texts.push_back(Text(std::get<FeedEvent>(*item)));
    } while (readers_.RunAll() > 0);
    return texts;
  }
  MessageId Publish(absl::Duration ttl = absl::InfiniteDuration()) {
    NewMessage draft = {.run = {.id = "run-a"}, .key = "k", .value = "v"};
    draft.ttl = ttl;
    const NewMessage* drafts[] = {&draft};
    return log_.ApplyGroup(drafts, {})->appended[0].message->id;
  }

  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction()};
  const int64_t run_no_;
  ManualExecutor readers_;
  SubscriptionHub hub_{log_, readers_, readers_, {}, clock_.AsFunction(), clock_.AsFunction()};
  AwaitRegistry awaits_{log_, readers_};
  std::vector<int64_t> announced_;
  Metrics metrics_;
  Sweep sweep_{log_,
               hub_,
               awaits_,
               {},
               [this](std::vector<int64_t> run_nos) {
                 announced_.insert(announced_.end(), run_nos.begin(), run_nos.end());
               },
               clock_.AsFunction(),
               metrics_};
  std::shared_ptr<Subscription> stream_;
};

TEST_F(SweepTest, FindsWhatNobodyTold) {
  Open();
  EXPECT_THAT(Take(), ElementsAre("synced 0+0"));
  Publish();
  sweep_.Run();
  EXPECT_THAT(Take(), ElementsAre("message 1"));
  EXPECT_THAT(announced_, IsEmpty()) << "others' news are not ours to tell";
}

TEST_F(SweepTest, CountsARunThatNobodyTellsOfUntilTheNextTime) {
  Open();
  Take();
  Publish();
  sweep_.Run();
  EXPECT_EQ(metrics_.sweep_finds.value(), 0) << "the hint may be on its way";
  Take();
  sweep_.Run();
  EXPECT_EQ(metrics_.sweep_finds.value(), 1);
  sweep_.Run();
  EXPECT_EQ(metrics_.sweep_finds.value(), 1);
}

TEST_F(SweepTest, DoesNotCountWhatAHintTellsOfAMomentLater) {
  Open();
  Take();
  Publish();
  sweep_.Run();
  hub_.OnHint({run_no_});
  Take();
  sweep_.Run();
  EXPECT_EQ(metrics_.sweep_finds.value(), 0);
}

TEST_F(SweepTest, DoesNotCountWhatItExpiredItself) {
  Open();
  Publish(absl::Seconds(10));
  Take();
  clock_.Advance(absl::Seconds(10));
  for (int round = 0; round < 3; ++round) sweep_.Run();
  EXPECT_EQ(metrics_.sweep_finds.value(), 0);
}

TEST_F(SweepTest, WritesDownWhatHasExpiredAndTellsEverybody) {
  Open();
  Publish(absl::Seconds(10));
  EXPECT_THAT(Take(), ElementsAre("message 1", "synced 1+0"));
  clock_.Advance(absl::Seconds(10));
  sweep_.Run();
  EXPECT_THAT(Take(), testing::Contains("withdrawn 1"));
  EXPECT_THAT(announced_, ElementsAre(run_no_));
  sweep_.Run();
  EXPECT_THAT(announced_, ElementsAre(run_no_));
}

TEST_F(SweepTest, LooksAgainAtWhatIsAwaited) {
  const MessageId id = Publish();
  MessageState state = MessageState::kUnspecified;
  awaits_.Await(id, AwaitUntil::kAcked,
                [&state](absl::StatusOr<MessagePtr> message) { state = (*message)->state; });
  readers_.RunAll();
  ASSERT_TRUE(log_.Cancel(id, "").ok());
  sweep_.Run();
  readers_.RunAll();
  EXPECT_EQ(state, MessageState::kCancelled);
}

TEST_F(SweepTest, TellsForHowLongTheDatabaseHasBeenSilent) {
  EXPECT_EQ(sweep_.SilentFor(), absl::InfiniteDuration());
  sweep_.Run();
  EXPECT_EQ(sweep_.SilentFor(), absl::ZeroDuration());
  clock_.Advance(absl::Seconds(3));
  log_.FailReads(absl::UnavailableError("away"));
  sweep_.Run();
  EXPECT_EQ(sweep_.SilentFor(), absl::Seconds(3));
  log_.FailReads(absl::OkStatus());
  sweep_.Run();
  EXPECT_EQ(sweep_.SilentFor(), absl::ZeroDuration());
}

}  // namespace
}  // namespace signalbox::service
