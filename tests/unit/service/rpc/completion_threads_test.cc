#include "service/rpc/completion_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"

namespace signalbox::service {
namespace {

TEST(CompletionThreadsTest, RunsEachTaskOnceOnAnotherThread) {
  CompletionThreads threads(1000);
  std::atomic<int> ran = 0;
  std::atomic<int> ran_here = 0;
  const std::thread::id here = std::this_thread::get_id();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(threads
                    .Submit([&] {
                      ++ran;
                      if (std::this_thread::get_id() == here) ++ran_here;
                    })
                    .ok());
  }
  threads.Stop();
  EXPECT_EQ(ran, 100) << "Stop() waits for what was submitted";
  EXPECT_EQ(ran_here, 0);
}

TEST(CompletionThreadsTest, ATaskMaySubmitAnother) {
  CompletionThreads threads(1000);
  absl::Notification ran;
  ASSERT_TRUE(threads.Submit([&] { ASSERT_TRUE(threads.Submit([&] { ran.Notify(); }).ok()); }).ok());
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

TEST(CompletionThreadsTest, RefusesMoreThanItMayHold) {
  CompletionThreads threads(2);
  absl::Notification go_on;
  std::atomic<int> ran = 0;
  const auto task = [&] {
    go_on.WaitForNotification();
    ++ran;
  };
  EXPECT_TRUE(threads.Submit(task).ok());
  EXPECT_TRUE(threads.Submit(task).ok());
  EXPECT_EQ(threads.Submit(task).code(), absl::StatusCode::kUnavailable);
  go_on.Notify();
  threads.Stop();
  EXPECT_EQ(ran, 2);
}

TEST(CompletionThreadsTest, StopWaitsForATaskThatRuns) {
  CompletionThreads threads(1000);
  absl::Notification entered;
  absl::Notification go_on;
  std::atomic<bool> is_over = false;
  ASSERT_TRUE(threads
                  .Submit([&] {
                    entered.Notify();
                    go_on.WaitForNotification();
                    is_over = true;
                  })
                  .ok());
  entered.WaitForNotification();
  std::thread stopper([&] {
    threads.Stop();
    EXPECT_TRUE(is_over);
  });
  while (!absl::StrContains(threads.Submit([] {}).message(), "stopping")) std::this_thread::yield();
  go_on.Notify();
  stopper.join();
}

TEST(CompletionThreadsTest, RefusesWhatComesAfterStop) {
  CompletionThreads threads(1000);
  threads.Stop();
  EXPECT_EQ(threads.Submit([] { ADD_FAILURE() << "ran"; }).code(), absl::StatusCode::kUnavailable);
  threads.Stop();
}

}  // namespace
}  // namespace signalbox::service
