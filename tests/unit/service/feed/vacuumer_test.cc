#include "service/feed/vacuumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A database in which nobody else vacuums unless a test does.
class FakeVacuumStore final : public VacuumStore {
 public:
  absl::StatusOr<std::vector<OverdueTable>> FindOverdueTables() override {
    ++looks;
    return tables;
  }
  absl::Status Vacuum(const OverdueTable& table) override {
    vacuumed.push_back(table.name);
    if (!outcome.ok()) return outcome;
    for (OverdueTable& each : tables) each.vacuums += each.name == table.name ? 1 : 0;
    return outcome;
  }
  std::vector<OverdueTable> tables;
  absl::Status outcome;
  int looks = 0;
  std::vector<std::string> vacuumed;
};

class VacuumerTest : public testing::Test {
 protected:
  void RunFor(absl::Duration duration) {
    for (const absl::Time end = clock_.Now() + duration; clock_.Now() < end;
         clock_.Advance(absl::Seconds(1))) {
      vacuumer_.Run();
    }
  }
  std::string LogOf(absl::Duration duration) {
    testing::internal::CaptureStderr();
    RunFor(duration);
    return testing::internal::GetCapturedStderr();
  }
  static OverdueTable Overdue(const std::string& name, absl::Duration round = absl::Minutes(1)) {
    return {.name = name, .dead_rows = 1000, .round = round};
  }

  ManualClock clock_;
  FakeVacuumStore store_;
  Vacuumer vacuumer_{store_, clock_.AsFunction()};
};

TEST_F(VacuumerTest, VacuumsWhatNobodyElseDidInThreeRounds) {
  store_.tables = {Overdue("messages"), Overdue("runs", absl::Minutes(2))};
  RunFor(absl::Minutes(3));
  EXPECT_THAT(store_.vacuumed, IsEmpty());
  RunFor(absl::Seconds(30));
  EXPECT_THAT(store_.vacuumed, ElementsAre("messages"));
  store_.tables.erase(store_.tables.begin());
  RunFor(absl::Minutes(3));
  EXPECT_THAT(store_.vacuumed, ElementsAre("messages", "runs"));
}

TEST_F(VacuumerTest, AVacuumOfSomebodyElseComesFirst) {
  store_.tables = {Overdue("messages")};
  for (int i = 0; i < 20; ++i) {
    RunFor(absl::Minutes(2));
    ++store_.tables[0].vacuums;  // and still it is overdue: an old snapshot
  }
  EXPECT_THAT(store_.vacuumed, IsEmpty());
}

TEST_F(VacuumerTest, TheWaitBeginsAnewWhenTheTableWasClean) {
  for (int i = 0; i < 10; ++i) {
    store_.tables = {Overdue("messages")};
    RunFor(absl::Minutes(2));
    store_.tables = {};
    RunFor(absl::Minutes(2));
  }
  EXPECT_THAT(store_.vacuumed, IsEmpty());
}

TEST_F(VacuumerTest, WhatRemovedNothingIsNotRepeatedSoon) {
  store_.tables = {Overdue("messages", absl::Seconds(1))};
  for (const absl::Status& outcome :
       {absl::OkStatus(), absl::AbortedError("locked"), absl::UnavailableError("away")}) {
    store_.outcome = outcome;
    store_.vacuumed.clear();
    RunFor(absl::Minutes(31));
    EXPECT_GE(store_.vacuumed.size(), 7U) << outcome;
    EXPECT_LE(store_.vacuumed.size(), 11U) << outcome;
  }
}

TEST_F(VacuumerTest, LooksEveryTenSeconds) {
  RunFor(absl::Minutes(10));
  EXPECT_EQ(store_.looks, 60);
}

TEST_F(VacuumerTest, EachVacuumIsLoggedAndARefusalOnce) {
  store_.tables = {Overdue("messages")};
  EXPECT_THAT(LogOf(absl::Minutes(4)),
              HasSubstr(R"("event":"vacuumed","table":"messages","dead_rows":1000)"));
  store_.outcome = absl::FailedPreconditionError("not the owner");
  EXPECT_THAT(LogOf(absl::Minutes(4)),
              HasSubstr(R"("vacuum_refused","table":"messages","error":"not the owner")"));
  EXPECT_THAT(LogOf(absl::Minutes(10)), IsEmpty());
  store_.outcome = absl::InternalError("broken");
  EXPECT_THAT(LogOf(absl::Minutes(4)),
              HasSubstr(R"("severity":"ERROR","event":"vacuum_failed","error":"broken")"));
  store_.outcome = absl::UnavailableError("away");
  EXPECT_THAT(LogOf(absl::Minutes(10)), Not(HasSubstr("vacuum")));
}

}  // namespace
}  // namespace signalbox::service
