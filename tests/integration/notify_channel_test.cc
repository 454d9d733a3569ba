#include "service/postgres/notify_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/support/temp_database.h"

namespace signalbox::service {
namespace {

// One replica's channel, and what it was told.
class Replica {
 public:
  Replica(const TempDatabase& database, const std::string& name)
      : channel_(database.Options(name), name,
                 {.on_hint =
                      [this](const std::vector<int64_t>& run_nos) {
                        absl::MutexLock lock(&mu_);
                        heard_.insert(run_nos.begin(), run_nos.end());
                      },
                  .on_lost = [this] { ++lost_; }}) {
    channel_.Start();
    EXPECT_TRUE(Eventually([this] { return lost_ == 1; })) << "believed only when it has heard itself";
  }

  NotifyChannel& channel() { return channel_; }
  int lost() const { return lost_; }
  std::set<int64_t> heard() const {
    absl::MutexLock lock(&mu_);
    return heard_;
  }
  bool Hears(int64_t run_no) const {
    return Eventually([&] { return heard().contains(run_no); });
  }

 private:
  mutable absl::Mutex mu_;
  std::set<int64_t> heard_ ABSL_GUARDED_BY(mu_);
  std::atomic<int> lost_ = 0;
  NotifyChannel channel_;  // last: its threads use the others
};

class NotifyChannelTest : public testing::Test {
 protected:
  // Sent after everything before it on the same channel; whoever heard it heard all that.
  void SendMark(int64_t run_no) {
    database_.Query(absl::StrCat("SELECT pg_notify('signalbox_runs', 'somebody:", run_no, "')"));
  }
  TempDatabase database_;
};

TEST_F(NotifyChannelTest, TwoReplicasHearEachOtherAndNotThemselves) {
  Replica one(database_, "one");
  Replica two(database_, "two");
  one.channel().Announce({11, 12});
  EXPECT_TRUE(two.Hears(11));
  EXPECT_TRUE(two.Hears(12));
  two.channel().Announce({21});
  EXPECT_TRUE(one.Hears(21));
  EXPECT_EQ(one.heard(), std::set<int64_t>({21}));
  EXPECT_EQ(two.heard(), std::set<int64_t>({11, 12}));
}

TEST_F(NotifyChannelTest, TellsOfAnyNumberOfRuns) {
  Replica one(database_, "one");
  Replica two(database_, "two");
  std::vector<int64_t> many;
  for (int64_t i = 0; i < 2000; ++i) many.push_back(int64_t{9'000'000'000'000'000'000} + i);
  one.channel().Announce(many);
  EXPECT_TRUE(Eventually([&] { return two.heard().size() == many.size(); })) << two.heard().size();
}

TEST_F(NotifyChannelTest, IgnoresWhatIsNotForIt) {
  Replica one(database_, "one");
  for (const char* payload :
       {"", ":", "x", "12", "somebody:", "somebody:abc", "somebody:-5,0", "somebody:1e3", "somebody:7;DROP",
        "somebody:99999999999999999999", "one:33", "one:probe999", "somebody:probe4", ",,,", "a:b:44"}) {
    database_.Query(absl::StrCat("SELECT pg_notify('signalbox_runs', '", payload, "')"));
  }
  database_.Query("SELECT pg_notify('other_channel', 'somebody:34')");
  database_.Query(
      absl::StrCat("SELECT pg_notify('signalbox_runs', 'somebody:35,", std::string(7000, 'z'), ",36')"));
  SendMark(1000);
  EXPECT_TRUE(one.Hears(1000));
  EXPECT_EQ(one.heard(), std::set<int64_t>({35, 36, 1000}));
  EXPECT_EQ(one.lost(), 1);
}

TEST_F(NotifyChannelTest, AKilledListenerListensAgainAndSaysThatItMayHaveMissedSome) {
  Replica one(database_, "one");
  Replica two(database_, "two");
  for (int round = 2; round < 4; ++round) {
    EXPECT_GE(database_.Terminate("two"), 1);
    EXPECT_TRUE(Eventually([&] { return two.lost() == round; }));
    one.channel().Announce({round});
    EXPECT_TRUE(two.Hears(round));
  }
}

TEST_F(NotifyChannelTest, AKilledSenderSendsAgain) {
  Replica one(database_, "one");
  Replica two(database_, "two");
  one.channel().Announce({1});
  ASSERT_TRUE(two.Hears(1));
  EXPECT_EQ(database_.Terminate("one"), 2);
  // The hint that meets the dead session is lost, which the sweep makes up for.
  EXPECT_TRUE(Eventually([&] {
    one.channel().Announce({2});
    return two.heard().contains(2);
  }));
}

TEST_F(NotifyChannelTest, StopsSoonAlsoWithoutADatabase) {
  ConnectionOptions nowhere = database_.Options();
  nowhere.url = "host=/nonexistent dbname=signalbox";
  NotifyChannel channel(nowhere, "lost",
                        {.on_hint = [](const std::vector<int64_t>&) {}, .on_lost = [] { ADD_FAILURE(); }});
  channel.Start();
  channel.Announce({1});
  const absl::Time begin = absl::Now();
  channel.Stop();
  channel.Stop();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
}

TEST_F(NotifyChannelTest, SurvivesAStormOfStartsAndStops) {
  for (int round = 0; round < 20; ++round) {
    NotifyChannel channel(database_.Options(), "storm",
                          {.on_hint = [](const std::vector<int64_t>&) {}, .on_lost = [] {}});
    channel.Start();
    channel.Announce({round + 1});
    std::thread stopper([&] { channel.Stop(); });
    channel.Stop();
    stopper.join();
  }
}

}  // namespace
}  // namespace signalbox::service
