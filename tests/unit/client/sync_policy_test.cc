#include "sync_policy.h"

#include <gtest/gtest.h>

#include <utility>

#include "fake_clock.h"

namespace signalbox::internal {
namespace {

using Step = SyncPolicy::Step;

// No jitter, and every backoff is the least one: 3 s.
SyncPolicy MakePolicy() {
  SyncPolicy::Options options;
  options.refresh_jitter = 0;
  options.backoff = {absl::Seconds(3), absl::Seconds(3)};
  return {options, [] { return 0.0; }, At(0)};
}

void ExpectWait(const SyncPolicy& policy, Instant now, Instant until) {
  const SyncPolicy::Action action = policy.Decide(now);
  EXPECT_EQ(action.step, Step::kWait);
  EXPECT_EQ(action.until, until) << "got " << absl::FormatDuration(action.until);
}

SyncPolicy MakeStreaming() {
  SyncPolicy policy = MakePolicy();
  policy.OnStreamOpening(At(0));
  policy.OnProgress(At(0), true, false);
  return policy;
}

TEST(SyncPolicyTest, OpensTheStreamFirst) {
  SyncPolicy policy = MakePolicy();
  EXPECT_EQ(policy.Decide(At(0)).step, Step::kOpenStream);
  EXPECT_EQ(policy.State(At(0)), ConnectionState::kConnecting);
}

TEST(SyncPolicyTest, AHealthyStreamMeansNoPolling) {
  SyncPolicy policy = MakeStreaming();
  for (int second = 0; second < 3600; second += 5) {
    EXPECT_EQ(policy.State(At(second)), ConnectionState::kStreaming);
    EXPECT_EQ(policy.Decide(At(second)).step, Step::kWait);
    EXPECT_EQ(policy.Decide(At(second + 4.9)).step, Step::kWait);
    policy.OnProgress(At(second + 5), true, false);
  }
}

TEST(SyncPolicyTest, PollsEveryFiveSecondsAndReconnectsSideBySide) {
  SyncPolicy policy = MakePolicy();
  policy.OnStreamOpening(At(0));
  policy.OnStreamEnded(At(0), absl::UnavailableError("refused"));
  ExpectWait(policy, At(0), At(1));
  EXPECT_EQ(policy.Decide(At(1)).step, Step::kRefresh);
  policy.OnRefreshStarted(At(1));
  ExpectWait(policy, At(1), At(3));
  EXPECT_EQ(policy.Decide(At(3)).step, Step::kOpenStream) << "a refresh under way must not delay it";
  policy.OnStreamOpening(At(3));
  policy.OnRefreshed(At(4));
  ExpectWait(policy, At(4), At(6));
  EXPECT_EQ(policy.Decide(At(6)).step, Step::kRefresh) << "a stream under way must not delay it";
  policy.OnRefreshStarted(At(6));
  policy.OnRefreshFailed(At(9), absl::UnavailableError("away"));
  ExpectWait(policy, At(9), At(11));
}

TEST(SyncPolicyTest, OnlyTheFirstSyncedProgressEndsPolling) {
  SyncPolicy policy = MakePolicy();
  policy.OnStreamOpening(At(0));
  policy.OnStreamHeard(At(0.5));
  policy.OnProgress(At(0.6), false, false);
  EXPECT_EQ(policy.Decide(At(1)).step, Step::kRefresh);
  policy.OnProgress(At(1), true, false);
  EXPECT_EQ(policy.Decide(At(1)).step, Step::kWait);
  EXPECT_EQ(policy.State(At(1)), ConnectionState::kStreaming);
}

TEST(SyncPolicyTest, AStreamThatNeverSaysAWordIsReplaced) {
  SyncPolicy policy = MakePolicy();
  policy.OnStreamOpening(At(0));
  policy.OnRefreshStarted(At(14));
  EXPECT_EQ(policy.Decide(At(14.9)).step, Step::kWait);
  EXPECT_EQ(policy.Decide(At(15)).step, Step::kCancelStream);
  policy.OnStreamEnded(At(15), absl::DeadlineExceededError("silent"));
  EXPECT_EQ(policy.Decide(At(18)).step, Step::kOpenStream);
}

TEST(SyncPolicyTest, ASilentStreamIsDoubtedAtHalfTimeAndGivenUpThen) {
  SyncPolicy policy = MakeStreaming();
  ExpectWait(policy, At(1), At(7.5));
  EXPECT_EQ(policy.Decide(At(7.5)).step, Step::kRefresh);
  policy.OnRefreshStarted(At(7.5));
  policy.OnRefreshed(At(7.6));
  EXPECT_EQ(policy.Decide(At(15)).step, Step::kCancelStream);
  EXPECT_EQ(policy.State(At(15)), ConnectionState::kPolling);
}

TEST(SyncPolicyTest, AnOldServerIsAskedForAStreamRarely) {
  SyncPolicy policy = MakePolicy();
  policy.OnStreamOpening(At(0));
  policy.OnStreamEnded(At(0), absl::UnimplementedError("Subscribe"));
  int refreshes = 0;
  for (int half = 0; half < 120; ++half) {
    const double second = half / 2.0;
    const Step step = policy.Decide(At(second)).step;
    ASSERT_NE(step, Step::kOpenStream) << second;
    if (step != Step::kRefresh) continue;
    ++refreshes;
    policy.OnRefreshStarted(At(second));
    policy.OnRefreshed(At(second));
    EXPECT_EQ(policy.State(At(second)), ConnectionState::kPolling);
  }
  EXPECT_EQ(refreshes, 12);
  EXPECT_EQ(policy.Decide(At(60)).step, Step::kOpenStream);
}

// Without streams a message is promised within 6 s: the longest wait, and the call that comes on top.
TEST(SyncPolicyTest, TheLongestWaitBetweenRefreshesLeavesTimeForTheCall) {
  for (const auto& [drawn, wait] : {std::pair(0.0, 4.4), std::pair(0.5, 5.0), std::pair(1.0, 5.6)}) {
    SyncPolicy policy(
        {}, [drawn = drawn] { return drawn; }, At(0));
    policy.OnStreamOpening(At(0));
    policy.OnRefreshStarted(At(2));
    policy.OnRefreshed(At(2));
    ExpectWait(policy, At(2), At(2 + wait));
  }
}

// A policy with jitter at its most, and streams that were synced at once and ended after a while.
class SyncPolicyBackoffTest : public testing::Test {
 protected:
  absl::Duration WaitAfterAStreamOf(absl::Duration lived) {
    now_ += absl::Seconds(10);
    policy_.OnStreamOpening(now_);
    policy_.OnProgress(now_, true, false);
    now_ += lived;
    policy_.OnStreamEnded(now_, absl::UnavailableError("cut"));
    return policy_.Decide(now_).until - now_;
  }

  Instant now_ = At(0);
  SyncPolicy policy_{
      {.refresh_interval = absl::Hours(1), .backoff = {absl::Milliseconds(100), absl::Seconds(5)}},
      [] { return 1.0; },
      now_};
};

TEST_F(SyncPolicyBackoffTest, GrowsUntilAStreamWasStable) {
  for (const int ms : {200, 400, 800, 1600, 3200, 5000, 5000}) {
    EXPECT_EQ(WaitAfterAStreamOf(absl::ZeroDuration()), absl::Milliseconds(ms));
  }
  EXPECT_EQ(WaitAfterAStreamOf(absl::Seconds(30)), absl::Milliseconds(200));
  EXPECT_EQ(WaitAfterAStreamOf(absl::ZeroDuration()), absl::Milliseconds(400));
}

// As when the servers are restarted one after the other.
TEST_F(SyncPolicyBackoffTest, CountsFromTheOpening) {
  for (int i = 0; i < 7; ++i) WaitAfterAStreamOf(absl::ZeroDuration());
  EXPECT_EQ(WaitAfterAStreamOf(absl::Seconds(3)), absl::Seconds(2));
  EXPECT_EQ(WaitAfterAStreamOf(absl::Seconds(6)), absl::Milliseconds(200));
}

// As while the server is away: each time it waited for a connection until it was given up for silent.
TEST_F(SyncPolicyBackoffTest, AStreamThatWaitedInVainWaitsAgainAtOnce) {
  for (int i = 0; i < 7; ++i) {
    policy_.OnStreamOpening(now_);
    now_ += absl::Seconds(15);
    ASSERT_EQ(policy_.Decide(now_).step, Step::kCancelStream);
    policy_.OnStreamEnded(now_, absl::DeadlineExceededError("silent"));
    EXPECT_LE(policy_.Decide(now_).until - now_, absl::Milliseconds(200));
  }
}

TEST(SyncPolicyTest, AStaleServerKeepsItsStreamAndIsNotPolled) {
  SyncPolicy policy = MakeStreaming();
  policy.OnProgress(At(5), true, true);
  EXPECT_EQ(policy.State(At(6)), ConnectionState::kStale);
  EXPECT_EQ(policy.Decide(At(6)).step, Step::kWait);
  EXPECT_EQ(policy.Age(At(6)), absl::Seconds(6)) << "a stale progress proves nothing";
  policy.OnProgress(At(10), true, false);
  EXPECT_EQ(policy.State(At(10)), ConnectionState::kStreaming);
  EXPECT_EQ(policy.Age(At(11)), absl::Seconds(1));
}

TEST(SyncPolicyTest, WhenNeitherWorksWhatIsKnownIsStale) {
  SyncPolicy policy = MakeStreaming();
  policy.OnStreamEnded(At(20), absl::UnavailableError("cut"));
  EXPECT_EQ(policy.State(At(20)), ConnectionState::kPolling);
  policy.OnRefreshStarted(At(21));
  policy.OnRefreshFailed(At(21), absl::UnavailableError("refused"));
  EXPECT_EQ(policy.State(At(21)), ConnectionState::kStale);
  EXPECT_EQ(policy.LastError().message(), "refused");
  policy.OnRefreshStarted(At(26));
  policy.OnRefreshed(At(27));
  EXPECT_EQ(policy.State(At(27)), ConnectionState::kPolling);
  EXPECT_EQ(policy.Age(At(28)), absl::Seconds(2)) << "a refresh proves what was so when it began";
  EXPECT_EQ(policy.LastError().message(), "cut");
}

TEST(SyncPolicyTest, BeforeTheFirstAnswerItIsConnecting) {
  SyncPolicy policy = MakePolicy();
  policy.OnStreamOpening(At(0));
  policy.OnStreamEnded(At(0), absl::NotFoundError("no such run"));
  policy.OnRefreshStarted(At(1));
  policy.OnRefreshFailed(At(1), absl::NotFoundError("no such run"));
  EXPECT_EQ(policy.State(At(1)), ConnectionState::kConnecting);
  EXPECT_EQ(policy.Age(At(1)), absl::InfiniteDuration());
  EXPECT_TRUE(absl::IsNotFound(policy.LastError()));
  EXPECT_EQ(policy.Decide(At(3)).step, Step::kOpenStream) << "the run may still be created";
}

TEST(SyncPolicyTest, AnEndedRunIsLeftAlone) {
  SyncPolicy policy = MakeStreaming();
  policy.OnRunEnded(At(1));
  EXPECT_EQ(policy.State(At(1)), ConnectionState::kEnded);
  ExpectWait(policy, At(1), Never());
  ExpectWait(policy, At(100000), Never());
}

TEST(SyncPolicyTest, ARefreshCanBeAskedForWhileStreaming) {
  SyncPolicy policy = MakeStreaming();
  policy.OnProgress(At(2), true, false);
  EXPECT_EQ(policy.ProvedAt(), At(0)) << "a later progress may have been on its way for a while";
  policy.WantRefresh();
  EXPECT_EQ(policy.Decide(At(3)).step, Step::kRefresh);
  policy.OnRefreshStarted(At(3));
  EXPECT_EQ(policy.Decide(At(3)).step, Step::kWait);
  policy.OnRefreshed(At(4));
  EXPECT_EQ(policy.ProvedAt(), At(3));
  EXPECT_EQ(policy.Decide(At(4)).step, Step::kWait);
}

TEST(SyncPolicyTest, ARefreshThatWasAskedForAndFailedIsNotRepeatedInAHurry) {
  SyncPolicy policy = MakeStreaming();
  policy.WantRefresh();
  policy.OnRefreshStarted(At(1));
  policy.OnRefreshFailed(At(1), absl::UnavailableError("away"));
  ExpectWait(policy, At(1), At(6));
}

}  // namespace
}  // namespace signalbox::internal
