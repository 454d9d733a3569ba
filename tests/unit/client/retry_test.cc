#include "retry.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "fake_clock.h"

namespace signalbox::internal {
namespace {

// As the library does it, with a clock that the test turns.
template <typename Call>
absl::StatusOr<int> CallOn(FakeClock& clock, absl::Duration timeout, Call call) {
  return CallWithRetry(
      clock, [] { return 0.5; }, {timeout}, std::move(call), [&](absl::Duration wait) { clock.Sleep(wait); });
}

TEST(RetryTest, OnlyUnavailableIsRepeated) {
  for (int code = 1; code <= 16; ++code) {
    const auto status_code = static_cast<absl::StatusCode>(code);
    EXPECT_EQ(IsRetryable(status_code), status_code == absl::StatusCode::kUnavailable) << code;
  }
}

TEST(RetryTest, RepeatsUntilItSucceeds) {
  FakeClock clock;
  int calls = 0;
  const auto answer = CallOn(clock, absl::Seconds(10), [&](absl::Duration) -> absl::StatusOr<int> {
    if (++calls < 4) return absl::UnavailableError("away");
    return calls;
  });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(*answer, 4);
  EXPECT_EQ(clock.slept.size(), 3u);
}

TEST(RetryTest, GivesUpAtTheDeadlineWithTheLastAnswer) {
  FakeClock clock;
  std::vector<absl::Duration> left;
  const auto answer = CallOn(clock, absl::Seconds(3), [&](absl::Duration time) -> absl::StatusOr<int> {
    left.push_back(time);
    return absl::UnavailableError("away");
  });
  EXPECT_TRUE(absl::IsUnavailable(answer.status()));
  EXPECT_LE(clock.Now(), absl::Seconds(3));
  EXPECT_EQ(left.front(), absl::Seconds(3));
  for (std::size_t i = 1; i < left.size(); ++i) EXPECT_LT(left[i], left[i - 1]);
}

TEST(RetryTest, ADefiniteErrorIsNotRepeated) {
  FakeClock clock;
  int calls = 0;
  const auto answer = CallOn(clock, absl::Seconds(3), [&](absl::Duration) -> absl::StatusOr<int> {
    ++calls;
    return absl::NotFoundError("no such run");
  });
  EXPECT_TRUE(absl::IsNotFound(answer.status()));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace signalbox::internal
