#include "service/commit/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"

namespace signalbox::service {
namespace {

TEST(WorkerPoolTest, RunsWhatIsSubmitted) {
  WorkerPool pool(3, 1000);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(pool.Submit([&ran] { ++ran; }).ok());
  pool.Start();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(pool.Submit([&ran] { ++ran; }).ok());
  pool.Stop();
  EXPECT_EQ(ran, 100) << "Stop() runs what waits";
}

TEST(WorkerPoolTest, RunsAsManyTasksAtOnceAsItHasThreads) {
  WorkerPool pool(3, 1000);
  absl::Barrier all_at_once(3);
  pool.Start();
  // Would hang with fewer threads. Block() is true for one of them, who may destroy the barrier; nobody does.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.Submit([&all_at_once] { all_at_once.Block(); }).ok());
  pool.Stop();
}

TEST(WorkerPoolTest, RefusesMoreThanMayWait) {
  WorkerPool pool(1, 2);
  absl::Notification entered;
  absl::Notification go_on;
  pool.Start();
  ASSERT_TRUE(pool.Submit([&] {
                    entered.Notify();
                    go_on.WaitForNotification();
                  })
                  .ok());
  entered.WaitForNotification();
  std::atomic<int> ran = 0;
  EXPECT_TRUE(pool.Submit([&ran] { ++ran; }).ok());
  EXPECT_TRUE(pool.Submit([&ran] { ++ran; }).ok());
  EXPECT_EQ(pool.Submit([&ran] { ++ran; }).code(), absl::StatusCode::kUnavailable);
  go_on.Notify();
  pool.Stop();
  EXPECT_EQ(ran, 2);
}

TEST(WorkerPoolTest, RefusesWhatComesAfterStop) {
  WorkerPool pool(1, 10);
  pool.Start();
  pool.Stop();
  EXPECT_EQ(pool.Submit([] { ADD_FAILURE() << "ran"; }).code(), absl::StatusCode::kUnavailable);
  pool.Stop();
}

// Whoever calls Stop(), and however many at once: when it returns nothing runs any more.
TEST(WorkerPoolTest, SurvivesAStormOfStartsAndStops) {
  for (int round = 0; round < 500; ++round) {
    std::atomic<int> accepted = 0;
    std::atomic<int> ran = 0;
    WorkerPool pool(2, 100);
    pool.Start();
    for (int i = 0; i < 5; ++i) accepted += pool.Submit([&ran] { ++ran; }).ok() ? 1 : 0;
    std::vector<std::thread> stoppers;
    stoppers.reserve(2);
    for (int i = 0; i < 2; ++i) {
      stoppers.emplace_back([&] {
        pool.Stop();
        EXPECT_EQ(ran, accepted) << "Stop() returned too early in round " << round;
      });
    }
    pool.Stop();
    EXPECT_EQ(ran, accepted) << "Stop() returned too early in round " << round;
    for (std::thread& stopper : stoppers) stopper.join();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace signalbox::service
