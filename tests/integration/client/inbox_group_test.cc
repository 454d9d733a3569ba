// The inboxes of a data-parallel job: process 0 listens to a server, the others to process 0.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "black_hole.h"
#include "quick_inbox.h"
#include "small_server.h"
#include "tests/support/memory_group.h"

namespace signalbox {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Result = absl::StatusOr<int>;
using Applied = std::vector<std::pair<std::string, int64_t>>;  // Messages, and the steps at which they were.

class InboxGroupTest : public testing::Test {
 protected:
  static constexpr int kSize = 4;

  InboxGroupTest() {
    InboxOptions deaf;
    deaf.listen = false;
    for (int rank = 0; rank < kSize; ++rank) {
      processes_.push_back(std::make_unique<Process>(network_, rank));
      Process& process = *processes_.back();
      process.inbox = rank == 0 ? Open(*client_) : Open(*deaf_client_, deaf);
      for (const std::string key : {"rate", "decay"}) {
        Handle(rank, key, [&process](const Message& message) -> HandlerResult {
          process.applied.emplace_back(message.id, process.step);
          return message.value;
        });
      }
    }
  }

  void Handle(int rank, const std::string& key, Handler handler) {
    ASSERT_TRUE(processes_[rank]->inbox->On(key, std::move(handler)).ok());
  }

  std::string PublishAndArrive(const std::string& key, double value = 1) {
    std::string id = server_.Publish(key, value);
    EXPECT_TRUE(Eventually([&] { return processes_[0]->inbox->Get(key).has_value(); }));
    return id;
  }

  Result Dispatch(int rank, int64_t step, int64_t every = 1) {
    Process& process = *processes_[rank];
    process.step = step;
    return process.inbox->Dispatch(step, process.group, every);
  }

  // Each process on a thread of its own.
  template <typename Work>
  void OnAll(Work work) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < kSize; ++rank) threads.emplace_back([&, rank] { work(rank); });
    for (std::thread& thread : threads) thread.join();
  }

  std::vector<Result> DispatchAll(int64_t step) {
    std::vector<Result> results(kSize, 0);
    OnAll([&](int rank) { results[rank] = Dispatch(rank, step); });
    return results;
  }

  // Training, until all have handled a message that says stop.
  void TrainUntilStopped(int64_t every) {
    std::vector<char> is_stopped(kSize, 0);
    for (int rank = 0; rank < kSize; ++rank) {
      Handle(rank, "stop", [&is_stopped, rank](const Message&) -> HandlerResult {
        is_stopped[rank] = 1;
        return Value();
      });
    }
    OnAll([&](int rank) {
      for (int64_t step = 1; is_stopped[rank] == 0; ++step) {
        const Result result = Dispatch(rank, step, every);
        ASSERT_TRUE(result.ok()) << result.status();
      }
    });
  }

  bool EventuallyIs(const std::string& id, const std::string& state) {
    return Eventually([&] { return server_.StateOf(id) == "MESSAGE_STATE_" + state; });
  }

  struct Process {
    Process(MemoryNetwork& network, int rank) : group(network, rank) {}
    MemoryGroup group;
    std::unique_ptr<Inbox> inbox;
    Applied applied;
    int64_t step = 0;
  };

  SmallServer server_;
  const BlackHole nowhere_;
  const std::unique_ptr<Client> client_ = MakeClient(server_.address());
  const std::unique_ptr<Client> deaf_client_ = MakeClient(nowhere_.address());
  MemoryNetwork network_{kSize};
  std::vector<std::unique_ptr<Process>> processes_;
};

class TrainingTest : public InboxGroupTest, public testing::WithParamInterface<int64_t> {};

INSTANTIATE_TEST_SUITE_P(Every, TrainingTest, testing::Values(1, 7));

TEST_P(TrainingTest, AllApplyTheSameMessagesInTheSameOrderAtTheSameControlPoints) {
  const int64_t every = GetParam();
  std::vector<std::string> published;
  std::thread publisher([&] {
    for (int i = 0; i < 300; ++i) {
      published.push_back(server_.Publish(i % 3 == 0 ? "decay" : "rate", i));
      // Now and then the job gets to an end of what there is.
      if (i % 50 == 0) {
        EXPECT_TRUE(EventuallyIs(published.back(), "APPLIED"));
      }
    }
    server_.Publish("stop", 0);
  });
  TrainUntilStopped(every);
  publisher.join();

  std::vector<std::string> applied;
  for (const auto& [id, step] : processes_[0]->applied) {
    applied.push_back(id);
    EXPECT_TRUE(step == 1 || step % every == 0) << step;
  }
  EXPECT_EQ(applied, published);
  for (const auto& process : processes_) EXPECT_EQ(process->applied, processes_[0]->applied);
  for (const std::string& id : published) EXPECT_TRUE(EventuallyIs(id, "APPLIED")) << id;
  for (const std::size_t size : network_.Sizes()) EXPECT_GT(size, 0u);
}

TEST_F(InboxGroupTest, OnlyProcessZeroTalksToTheServer) {
  const std::string id = PublishAndArrive("rate");
  EXPECT_THAT(DispatchAll(1), Each(Result(1)));
  EXPECT_TRUE(EventuallyIs(id, "APPLIED"));
  EXPECT_TRUE(Eventually([&] { return server_.declared_keys == 2; }));
  EXPECT_EQ(server_.streams, 1);
  EXPECT_EQ(server_.LastAck().consumer(), processes_[0]->inbox->consumer());
  EXPECT_EQ(server_.LastAck().step(), 1);
  EXPECT_FALSE(nowhere_.WasFound());
}

TEST_F(InboxGroupTest, ADissenterIsNamedInTheReceipt) {
  Handle(2, "rate", [](const Message&) -> HandlerResult { throw std::runtime_error("no such layer"); });
  const std::string id = PublishAndArrive("rate");
  EXPECT_THAT(DispatchAll(7), Each(Result(1)));
  EXPECT_TRUE(EventuallyIs(id, "FAILED"));
  EXPECT_EQ(server_.LastAck().error(), "process 2: no such layer");
  EXPECT_EQ(server_.LastAck().step(), 7);
  EXPECT_THAT(processes_[3]->applied, ElementsAre(Pair(id, 7)));
}

TEST_F(InboxGroupTest, AProcessOutOfStepAppliesNothingAndNobodyHangs) {
  const std::string id = PublishAndArrive("rate");
  std::vector<Result> results(kSize, 0);
  OnAll([&](int rank) { results[rank] = Dispatch(rank, rank == 3 ? 8 : 7); });
  EXPECT_EQ(results[0], Result(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(results[3].status()));
  EXPECT_THAT(processes_[3]->applied, IsEmpty());
  EXPECT_TRUE(EventuallyIs(id, "FAILED"));
  EXPECT_EQ(server_.LastAck().error(), "process 3: at step 8, process 0 at step 7");

  // Then it is in step again.
  const std::string next = PublishAndArrive("decay");
  EXPECT_THAT(DispatchAll(9), Each(Result(1)));
  EXPECT_TRUE(EventuallyIs(next, "APPLIED"));
}

TEST_F(InboxGroupTest, WithoutTheServerTrainingGoesOnAndTheAcksFollow) {
  const std::string early = PublishAndArrive("rate");
  server_.Stop();
  ASSERT_TRUE(
      Eventually([&] { return processes_[0]->inbox->Status().state != ConnectionState::kStreaming; }));
  EXPECT_THAT(DispatchAll(1), Each(Result(1))) << "what had arrived is applied";
  const std::size_t before = network_.Sizes().size();
  for (int64_t step = 2; step <= 50; ++step) EXPECT_THAT(DispatchAll(step), Each(Result(0)));
  const std::vector<std::size_t> sizes = network_.Sizes();
  EXPECT_EQ(std::vector<std::size_t>(sizes.begin() + static_cast<std::ptrdiff_t>(before), sizes.end()),
            std::vector<std::size_t>(49, 16));

  server_.Start();
  EXPECT_TRUE(EventuallyIs(early, "APPLIED"));
  const std::string late = PublishAndArrive("decay");
  EXPECT_THAT(DispatchAll(51), Each(Result(1)));
  EXPECT_TRUE(EventuallyIs(late, "APPLIED"));
  for (const auto& process : processes_)
    EXPECT_THAT(process->applied, ElementsAre(Pair(early, 1), Pair(late, 51)));
}

// What the others saw of process 0's messages they may settle later; only what process 0 says counts.
TEST_F(InboxGroupTest, AnOutcomeThatFollowsLaterIsProcessZeros) {
  std::vector<std::unique_ptr<ReceivedMessage>> later(kSize);
  for (int rank = 0; rank < kSize; ++rank) {
    Handle(rank, "save", [this, &later, rank](const Message& message) -> HandlerResult {
      later[rank] = std::make_unique<ReceivedMessage>(processes_[rank]->inbox->Receive(message));
      return std::nullopt;
    });
  }
  const std::string id = PublishAndArrive("save");
  EXPECT_THAT(DispatchAll(1), Each(Result(1)));
  for (int rank = kSize - 1; rank >= 0; --rank) {
    const Value reply("by " + std::to_string(rank));
    EXPECT_TRUE(later[rank]->Ack({AckOutcome::kApplied, reply, "", 2}).ok());
  }
  EXPECT_TRUE(EventuallyIs(id, "APPLIED"));
  EXPECT_EQ(server_.LastAck().reply().string_value(), "by 0");
}

TEST_F(InboxGroupTest, WhenProcessZeroHasClosedTheOthersGoOnWithoutMessages) {
  PublishAndArrive("rate");
  processes_[0]->inbox->Close();
  EXPECT_THAT(DispatchAll(1), Each(Result(0)));
  EXPECT_THAT(network_.Sizes(), ElementsAre(16));
}

}  // namespace
}  // namespace signalbox
