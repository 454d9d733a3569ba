#include "service/feed/periodic_task.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace signalbox::service {
namespace {

TEST(PeriodicTaskTest, CallsAgainAndAgain) {
  absl::BlockingCounter calls(3);
  std::atomic<int> count = 0;
  PeriodicTask task(absl::Microseconds(1), [&] {
    if (++count <= 3) calls.DecrementCount();
  });
  task.Start();
  calls.Wait();
  task.Stop();
  const int calls_until_stop = count;
  task.Stop();
  EXPECT_EQ(count, calls_until_stop) << "nothing is called after Stop()";
}

TEST(PeriodicTaskTest, CallsAtOnceAndStopsDuringALongPause) {
  absl::Notification called;
  PeriodicTask task(absl::Hours(1), [&called] { called.Notify(); });
  task.Start();
  called.WaitForNotification();
  task.Stop();
}

TEST(PeriodicTaskTest, CallsNothingWhenStoppedDuringTheDelay) {
  PeriodicTask task(absl::Microseconds(1), [] { ADD_FAILURE(); });
  task.Start(absl::Hours(1));
  task.Stop();
}

TEST(PeriodicTaskTest, NeedsNotBeStarted) {
  PeriodicTask task(absl::Hours(1), [] { ADD_FAILURE(); });
  task.Stop();
}

TEST(PeriodicTaskTest, SurvivesAStormOfStartsAndStops) {
  for (int round = 0; round < 500; ++round) {
    std::atomic<bool> is_running = false;
    PeriodicTask task(absl::Microseconds(1), [&] {
      is_running = true;
      is_running = false;
    });
    task.Start();
    std::thread stopper([&] {
      task.Stop();
      EXPECT_FALSE(is_running);
    });
    task.Stop();
    EXPECT_FALSE(is_running);
    stopper.join();
  }
}

}  // namespace
}  // namespace signalbox::service
