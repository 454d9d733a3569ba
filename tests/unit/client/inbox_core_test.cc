// Inboxes that do not listen, and the control points of a group; with messages: inbox_group_test.cc.

#include "inbox_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "fake_clock.h"
#include "tests/support/memory_group.h"

namespace signalbox {
namespace {

using internal::FakeClock;
using internal::InboxWire;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Result = absl::StatusOr<int>;

std::shared_ptr<InboxCore> OpenDeaf(int* wires, FakeClock& clock) {
  InboxOptions options;
  options.listen = false;
  auto core = InboxCore::Open(
      options,
      [wires]() -> std::unique_ptr<InboxWire> {
        ++*wires;
        return nullptr;
      },
      clock);
  EXPECT_TRUE(core.ok()) << core.status();
  return *std::move(core);
}

std::ptrdiff_t Threads() { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}); }

class InboxThatDoesNotListenTest : public testing::Test {
 protected:
  FakeClock clock_;
  int wires_ = 0;
  const std::ptrdiff_t threads_ = Threads();
  const std::shared_ptr<InboxCore> core_ = OpenDeaf(&wires_, clock_);
};

TEST_F(InboxThatDoesNotListenTest, HasNoConnectionAndNoThread) {
  EXPECT_TRUE(core_->On({"rate", Kind::kSetting, ""}, [](const Message&) { return Value(); }).ok());
  EXPECT_EQ(core_->Dispatch(1, 10), 0);
  EXPECT_EQ(core_->Oldest("rate"), nullptr);
  EXPECT_THAT(core_->All(core_), IsEmpty());
  EXPECT_EQ(core_->Status().state, ConnectionState::kClosed);
  EXPECT_EQ(core_->Status().age, absl::InfiniteDuration());
  EXPECT_EQ(wires_, 0);
  EXPECT_EQ(Threads(), threads_);
  core_->Close();
}

// It waited for messages that could never come.
TEST_F(InboxThatDoesNotListenTest, WaitsForNothing) {
  EXPECT_FALSE(core_->WaitSynced(absl::InfiniteDuration()));
  EXPECT_FALSE(core_->WaitNewer(0, absl::InfiniteDuration()));
}

TEST_F(InboxThatDoesNotListenTest, ItsAcksDoNothing) {
  auto receipt = std::make_shared<internal::OneShot<absl::StatusOr<bool>>>();
  EXPECT_TRUE(core_->Ack("m1", {AckOutcome::kApplied, std::nullopt, "", 7}, receipt).ok());
  EXPECT_TRUE(receipt->WaitFor(absl::ZeroDuration())->value());
  EXPECT_TRUE(
      absl::IsInvalidArgument(core_->Ack("m1", {AckOutcome::kUnspecified, Value(1), "", 0}, nullptr)));
  EXPECT_EQ(wires_, 0);
}

class ControlPointTest : public testing::Test {
 protected:
  static constexpr int kSize = 3;

  ControlPointTest() {
    for (int rank = 0; rank < kSize; ++rank) {
      cores_.push_back(OpenDeaf(&wires_, clock_));
      groups_.push_back(std::make_unique<MemoryGroup>(network_, rank));
    }
  }

  // Every process at its own step, at the same time.
  std::vector<Result> Dispatch(const std::vector<int64_t>& steps, int64_t every = 1) {
    std::vector<Result> results(kSize, 0);
    std::vector<std::thread> threads;
    for (int rank = 0; rank < kSize; ++rank)
      threads.emplace_back(
          [&, rank] { results[rank] = cores_[rank]->Dispatch(steps[rank], *groups_[rank], every); });
    for (std::thread& thread : threads) thread.join();
    return results;
  }

  FakeClock clock_;
  int wires_ = 0;
  MemoryNetwork network_{kSize};
  std::vector<std::unique_ptr<MemoryGroup>> groups_;
  std::vector<std::shared_ptr<InboxCore>> cores_;
};

TEST_F(ControlPointTest, AreTheFirstCallAndWheneverAMultipleWasPassed) {
  std::vector<int64_t> control_points;
  for (const int64_t step : {3, 4, 5, 6, 9, 12, 14, 25, 29, 30}) {
    const std::size_t before = network_.Sizes().size();
    EXPECT_THAT(Dispatch({step, step, step}, 5), Each(Result(0)));
    if (network_.Sizes().size() > before) control_points.push_back(step);
  }
  EXPECT_THAT(control_points, ElementsAre(3, 5, 12, 25, 30));
  EXPECT_THAT(network_.Sizes(), ElementsAre(16, 16, 16, 16, 16));
}

TEST_F(ControlPointTest, TheSameStepTwiceIsOne) {
  Dispatch({8, 8, 8});
  Dispatch({8, 8, 8});
  EXPECT_THAT(network_.Sizes(), SizeIs(1));
}

TEST_F(ControlPointTest, EveryIsAtLeastOne) {
  EXPECT_TRUE(absl::IsInvalidArgument(cores_[0]->Dispatch(1, *groups_[0], 0).status()));
  EXPECT_THAT(network_.Sizes(), IsEmpty());
}

TEST_F(ControlPointTest, AProcessThatLeftOutACallIsTold) {
  Dispatch({1, 1, 1});
  const std::vector<Result> results = Dispatch({2, 2, 3});
  EXPECT_EQ(results[0], Result(0));
  EXPECT_EQ(results[1], Result(0));
  EXPECT_TRUE(absl::IsFailedPrecondition(results[2].status()));
  EXPECT_THAT(results[2].status().message(), HasSubstr("process 2 is at step 3, process 0 at step 2"));
  EXPECT_THAT(network_.Sizes(), ElementsAre(16, 16));
}

TEST_F(ControlPointTest, WhenProcessZeroLeftOutACallTheOthersAreTold) {
  Dispatch({1, 1, 1});
  const std::vector<Result> results = Dispatch({3, 2, 2});
  EXPECT_EQ(results[0], Result(0));
  EXPECT_TRUE(absl::IsFailedPrecondition(results[1].status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(results[2].status()));
}

TEST_F(ControlPointTest, AProcessThatJoinedLateIsToldAtItsFirstCall) {
  const std::vector<Result> results = Dispatch({10, 10, 13}, 10);
  EXPECT_EQ(results[1], Result(0));
  EXPECT_TRUE(absl::IsFailedPrecondition(results[2].status()));
}

TEST_F(ControlPointTest, AProcessThatNeverComesIsAnErrorOfTheCollective) {
  MemoryNetwork network(2, absl::Milliseconds(1));
  MemoryGroup group(network, 0);
  const absl::Status status = cores_[0]->Dispatch(1, group, 1).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "a process did not come");
}

// A group whose collective calls back, as a program might that waits in an event loop.
class Meddler final : public Group {
 public:
  explicit Meddler(InboxCore& core) : core_(core) {}
  int rank() const override { return 0; }
  int size() const override { return 1; }
  absl::Status Broadcast(void*, std::size_t, int) override {
    EXPECT_EQ(core_.Dispatch(2, 10), 0);
    EXPECT_TRUE(absl::IsFailedPrecondition(core_.Dispatch(2, *this, 1).status()));
    ++broadcasts;
    return absl::OkStatus();
  }
  int broadcasts = 0;

 private:
  InboxCore& core_;
};

TEST_F(ControlPointTest, OnlyOneDispatchAtATime) {
  Meddler group(*cores_[0]);
  EXPECT_EQ(cores_[0]->Dispatch(1, group, 1), Result(0));
  EXPECT_EQ(cores_[0]->Dispatch(2, group, 1), Result(0))
      << "the call that was refused was not a control point";
  EXPECT_EQ(group.broadcasts, 2);
}

}  // namespace
}  // namespace signalbox
