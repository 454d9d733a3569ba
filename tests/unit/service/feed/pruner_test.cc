#include "service/feed/pruner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_message_log.h"
#include "tests/support/manual_clock.h"

namespace signalbox::service {
namespace {

using testing::SizeIs;

class PrunerTest : public testing::Test {
 protected:
  void PublishFinished(const std::string& run, int count) {
    NewMessage draft = {.run = {.id = run}, .key = "k", .value = "v"};
    const NewMessage* drafts[] = {&draft};
    for (int i = 0; i < count; ++i) {
      const MessageId id = log_.ApplyGroup(drafts, {})->appended[0].message->id;
      ASSERT_TRUE(log_.Cancel(id, "").ok());
    }
  }
  size_t Kept(const std::string& run) {
    return log_.ListHistory({.run = {.id = run}, .limit = {.rows = 10000, .bytes = 1 << 20}})
        ->messages.size();
  }
  static Retention Days(int days) {
    return {.ended_runs = absl::Hours(24 * days), .finished_messages = absl::Hours(24 * days)};
  }

  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction(), 10000};
};

TEST_F(PrunerTest, TakesWhatIsOldOfActiveRunsAndWholeEndedOnes) {
  log_.AddRun("active", "p", 1);
  const int64_t ended = log_.AddRun("ended", "p", 2);
  for (const char* run : {"active", "ended"}) PublishFinished(run, 1200);
  log_.EndRun(ended, RunOutcome::kCompleted);
  Pruner pruner(log_, Days(7), clock_.AsFunction());
  clock_.Advance(absl::Hours(24 * 6));
  PublishFinished("active", 1);
  pruner.Run();
  EXPECT_EQ(Kept("active"), 1201U);
  EXPECT_EQ(Kept("ended"), 1200U);
  clock_.Advance(absl::Hours(24));
  pruner.Run();
  EXPECT_EQ(Kept("active"), 1U) << "in more than one batch";
  EXPECT_TRUE(absl::IsNotFound(log_.FindRun({.id = "ended"}).status()));
}

TEST_F(PrunerTest, ARoundLooksAtSoManyRunsAndTheNextGoesOn) {
  constexpr int kRuns = 1100;
  for (int i = 0; i < kRuns; ++i) log_.AddRun(absl::StrCat("run-", i), "p", i + 1);
  PublishFinished(absl::StrCat("run-", kRuns - 1), 1);
  PublishFinished("run-0", 1);
  clock_.Advance(absl::Hours(48));
  Pruner pruner(log_, Days(1), clock_.AsFunction());
  pruner.Run();
  EXPECT_EQ(Kept("run-0"), 0U);
  EXPECT_EQ(Kept(absl::StrCat("run-", kRuns - 1)), 1U);
  pruner.Run();
  pruner.Run();
  EXPECT_EQ(Kept(absl::StrCat("run-", kRuns - 1)), 0U);
  PublishFinished("run-0", 1);
  clock_.Advance(absl::Hours(48));
  pruner.Run();
  EXPECT_EQ(Kept("run-0"), 0U) << "from the start again";
}

// A store in which every batch takes long, some runs are held, and one can fail.
class SlowStore final : public PruningStore {
 public:
  explicit SlowStore(ManualClock& clock) : clock_(clock) {}
  absl::StatusOr<std::vector<int64_t>> FindEndedRuns(const Retention&, int) override {
    return std::vector<int64_t>{};
  }
  absl::StatusOr<DueRuns> FindDueRuns(const Retention&, int64_t after, int) override {
    DueRuns due;
    for (int64_t run_no = after + 1; run_no <= 3; ++run_no) due.run_nos.push_back(run_no);
    return due;
  }
  absl::StatusOr<int64_t> Prune(int64_t run_no, const Retention&, const PruneLimit&) override {
    if (run_no == held) return absl::AbortedError("held");
    if (run_no == broken) return absl::InternalError("broken");
    clock_.Advance(absl::Milliseconds(100));
    pruned.push_back(run_no);
    return 1;  // there is always more
  }
  int64_t held = 0;
  int64_t broken = 0;
  std::vector<int64_t> pruned;

 private:
  ManualClock& clock_;
};

TEST_F(PrunerTest, ARoundIsShortAndTheNextOneIsForTheOthers) {
  SlowStore store(clock_);
  Pruner pruner(store, Days(1), clock_.AsFunction());
  for (int64_t run_no : {1, 2, 3}) {
    store.pruned.clear();
    pruner.Run();
    EXPECT_EQ(store.pruned, std::vector<int64_t>(5, run_no));
  }
}

TEST_F(PrunerTest, ARunThatIsHeldIsPassedOverAndADefectEndsTheRound) {
  SlowStore store(clock_);
  Pruner pruner(store, Days(1), clock_.AsFunction());
  store.held = 1;
  pruner.Run();
  EXPECT_EQ(store.pruned, std::vector<int64_t>(5, 2));
  store.pruned.clear();
  store.broken = 3;
  pruner.Run();
  EXPECT_THAT(store.pruned, SizeIs(0));
}

}  // namespace
}  // namespace signalbox::service
