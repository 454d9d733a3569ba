#include "group_dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "fake_clock.h"
#include "tests/support/memory_group.h"

namespace signalbox::internal {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kRoom = 100;  // For acks.

// One process: its handlers, and on process 0 what is pending.
struct Process {
  InboxShared shared{AckOutbox(kRoom, Backoff({absl::Seconds(1), absl::Seconds(1)}, [] { return 0.0; }))};
  Dispatcher dispatcher;
  std::vector<std::string> applied;
  absl::StatusOr<int> result = 0;
};

class GroupDispatchTest : public testing::Test {
 protected:
  static constexpr int kSize = 4;

  GroupDispatchTest() {
    for (int rank = 0; rank < kSize; ++rank) {
      groups_.push_back(std::make_unique<MemoryGroup>(network_, rank));
      processes_.push_back(std::make_unique<Process>());
      Process& process = *processes_.back();
      Handle(rank, "rate", [&process](const Message& message) -> HandlerResult {
        process.applied.push_back(message.id);
        return message.value;
      });
    }
  }

  void Handle(int rank, const std::string& key, Handler handler) {
    ASSERT_TRUE(
        processes_[rank]->dispatcher.Register({key, Kind::kUnspecified, ""}, std::move(handler)).ok());
  }

  void Arrive(int64_t sequence, const std::string& key) {
    Message message;
    message.id = "m" + std::to_string(sequence);
    message.sequence = sequence;
    message.key = key;
    message.value = Value(0.5);
    Arrive(std::move(message));
  }

  void Arrive(Message message) {
    InboxShared& shared = processes_[0]->shared;
    const absl::MutexLock lock(&shared.mu);
    shared.state.OnStreamMessage(std::move(message));
  }

  void DispatchOn(int rank, int64_t step) {
    Process& process = *processes_[rank];
    GroupDispatch dispatch(*groups_[rank], step, process.dispatcher);
    process.result = rank == 0 ? dispatch.Lead(process.shared, [] {}) : dispatch.Follow();
  }

  // All processes at once; `late` at another step than the others.
  void DispatchAll(int64_t step, int late = -1, int64_t late_step = 0) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < kSize; ++rank)
      threads.emplace_back([=, this] { DispatchOn(rank, rank == late ? late_step : step); });
    for (std::thread& thread : threads) thread.join();
  }

  std::vector<AckBatch> Acks() {
    std::vector<AckBatch> acks;
    InboxShared& shared = processes_[0]->shared;
    const absl::MutexLock lock(&shared.mu);
    while (std::optional<AckBatch> batch = shared.outbox.StartBatch(At(0))) {
      acks.push_back(*batch);
      std::vector<AckResult> results;
      for (const std::string& id : batch->message_ids) results.push_back({id, true, {}});
      shared.outbox.OnAnswered(results, At(0));
    }
    return acks;
  }

  MemoryNetwork network_{kSize};
  std::vector<std::unique_ptr<MemoryGroup>> groups_;
  std::vector<std::unique_ptr<Process>> processes_;
};

TEST_F(GroupDispatchTest, CostsOneBroadcastOfSixteenBytesWhenNothingIsPending) {
  DispatchAll(1);
  EXPECT_THAT(network_.Sizes(), ElementsAre(16));
  for (const auto& process : processes_) EXPECT_EQ(*process->result, 0);
}

TEST_F(GroupDispatchTest, AppliesTheSameMessagesInTheSameOrderEverywhere) {
  Arrive(2, "rate");
  Arrive(5, "rate");
  Arrive(3, "rate");
  DispatchAll(7);
  for (const auto& process : processes_) {
    EXPECT_EQ(*process->result, 3);
    EXPECT_THAT(process->applied, ElementsAre("m2", "m3", "m5"));
  }
  const std::vector<AckBatch> acks = Acks();
  ASSERT_THAT(acks, SizeIs(1));
  EXPECT_THAT(acks[0].message_ids, ElementsAre("m2", "m3", "m5"));
  EXPECT_EQ(acks[0].ack.outcome, AckOutcome::kApplied);
  EXPECT_EQ(acks[0].ack.reply, Value(0.5));
  EXPECT_EQ(acks[0].ack.step, 7);
}

TEST_F(GroupDispatchTest, NamesEveryDissenter) {
  Handle(1, "rate", [](const Message&) -> HandlerResult { return absl::InternalError("out of memory"); });
  Handle(3, "rate", [](const Message&) -> HandlerResult { return absl::InternalError("no such layer"); });
  Arrive(1, "rate");
  DispatchAll(7);
  const std::vector<AckBatch> acks = Acks();
  ASSERT_THAT(acks, SizeIs(1));
  EXPECT_EQ(acks[0].ack.outcome, AckOutcome::kFailed);
  EXPECT_EQ(acks[0].ack.error, "process 1: out of memory; process 3: no such layer");
  EXPECT_EQ(acks[0].ack.reply, std::nullopt);
}

TEST_F(GroupDispatchTest, NamesProcessZeroToo) {
  Handle(0, "rate", [](const Message&) -> HandlerResult { return absl::InternalError("negative"); });
  Arrive(1, "rate");
  DispatchAll(7);
  EXPECT_EQ(Acks()[0].ack.error, "process 0: negative");
}

TEST_F(GroupDispatchTest, AProcessWithoutTheHandlerDissents) {
  Handle(0, "save", [](const Message&) -> HandlerResult { return Value(); });
  Arrive(1, "save");
  DispatchAll(7);
  EXPECT_EQ(Acks()[0].ack.error, "processes 1-3: no handler for save");
}

TEST_F(GroupDispatchTest, AnOutcomeThatFollowsLaterIsAClaimUnlessSomebodyDissents) {
  for (int rank = 0; rank < kSize; ++rank)
    Handle(rank, "save", [](const Message&) -> HandlerResult { return std::nullopt; });
  Arrive(1, "save");
  DispatchAll(7);
  EXPECT_EQ(Acks()[0].ack.outcome, AckOutcome::kUnspecified);

  Handle(2, "save", [](const Message&) -> HandlerResult { return absl::InternalError("disk full"); });
  Arrive(2, "save");
  DispatchAll(8);
  EXPECT_EQ(Acks()[0].ack.error, "process 2: disk full");
}

TEST_F(GroupDispatchTest, LeavesKeysWithoutAHandlerInTheInbox) {
  Arrive(1, "other");
  DispatchAll(7);
  EXPECT_THAT(network_.Sizes(), ElementsAre(16));
  EXPECT_NE(processes_[0]->shared.state.Oldest("other"), nullptr);
}

TEST_F(GroupDispatchTest, AProcessAtAnotherStepAppliesNothingAndSaysSo) {
  Arrive(1, "rate");
  DispatchAll(7, /*late=*/2, /*late_step=*/3);
  EXPECT_THAT(processes_[2]->result.status().message(),
              HasSubstr("process 2 is at step 3, process 0 at step 7"));
  EXPECT_TRUE(absl::IsFailedPrecondition(processes_[2]->result.status()));
  EXPECT_THAT(processes_[2]->applied, IsEmpty());
  EXPECT_THAT(processes_[1]->applied, SizeIs(1));
  EXPECT_EQ(Acks()[0].ack.error, "process 2: at step 3, process 0 at step 7");
}

TEST_F(GroupDispatchTest, EveryProcessSeesTheWholeMessage) {
  std::vector<Message> seen(kSize);
  for (int rank = 0; rank < kSize; ++rank) {
    Handle(rank, "rate", [&seen, rank](const Message& message) -> HandlerResult {
      seen[rank] = message;
      return Value();
    });
  }
  Message message;
  message.id = "m1";
  message.run_id = "r1";
  message.sequence = 1;
  message.key = "rate";
  message.value = Value(Value::Object{{"layers", Value::List{Value(1.5), Value(), Value("")}}});
  message.kind = Kind::kSetting;
  message.state = MessageState::kPending;
  message.publisher = "somebody";
  message.reason = "it diverges";
  message.create_time = absl::FromUnixNanos(1'700'000'000'123'456'789);
  message.expire_time = absl::FromUnixNanos(1'800'000'000'123'456'789);
  Arrive(message);
  DispatchAll(7);
  for (const Message& one : seen) {
    EXPECT_EQ(one.id, message.id);
    EXPECT_EQ(one.run_id, message.run_id);
    EXPECT_EQ(one.sequence, message.sequence);
    EXPECT_EQ(one.key, message.key);
    EXPECT_EQ(one.value, message.value);
    EXPECT_EQ(one.kind, message.kind);
    EXPECT_EQ(one.state, message.state);
    EXPECT_EQ(one.publisher, message.publisher);
    EXPECT_EQ(one.reason, message.reason);
    EXPECT_EQ(one.create_time, message.create_time);
    EXPECT_EQ(one.expire_time, message.expire_time);
    EXPECT_EQ(one.consumer, "");
    EXPECT_EQ(one.reply, std::nullopt);
  }
}

// A long text of one process crowded out the names of the others.
TEST_F(GroupDispatchTest, NamesEveryDissenterHoweverMuchTheySay) {
  for (const int rank : {1, 2, 3}) {
    Handle(rank, "rate", [rank](const Message&) -> HandlerResult {
      return absl::InternalError(std::string(5000, static_cast<char>('a' + rank)));
    });
  }
  Arrive(1, "rate");
  DispatchAll(7);
  const std::string error = Acks()[0].ack.error;
  EXPECT_LE(error.size(), 1024u);
  EXPECT_THAT(error,
              AllOf(HasSubstr("process 1: bbb"), HasSubstr("process 2: ccc"), HasSubstr("process 3: ddd")));
}

// All that was pending was taken, whatever room there was for its acks.
TEST_F(GroupDispatchTest, WithoutRoomForTheAcksTheRestWaits) {
  for (int i = 1; i <= kRoom + 5; ++i) Arrive(i, "rate");
  DispatchAll(7);
  for (const auto& process : processes_) EXPECT_THAT(process->applied, SizeIs(kRoom));
  EXPECT_EQ(processes_[0]->shared.state.Oldest("rate")->sequence, kRoom + 1);
  Acks();
  DispatchAll(8);
  for (const auto& process : processes_) EXPECT_THAT(process->applied, SizeIs(kRoom + 5));
}

TEST_F(GroupDispatchTest, AGroupOfOneAppliesAndAcks) {
  MemoryNetwork alone(1);
  MemoryGroup group(alone, 0);
  Arrive(1, "rate");
  Process& process = *processes_[0];
  EXPECT_EQ(*GroupDispatch(group, 7, process.dispatcher).Lead(process.shared, [] {}), 1);
  EXPECT_EQ(Acks()[0].ack.outcome, AckOutcome::kApplied);
}

TEST_F(GroupDispatchTest, AnErrorOfTheGroupFailsWhatWasTaken) {
  MemoryNetwork network(2, absl::ZeroDuration());
  MemoryGroup group(network, 0);
  Arrive(1, "rate");
  Process& process = *processes_[0];
  const auto result = GroupDispatch(group, 7, process.dispatcher).Lead(process.shared, [] {});
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status()));
  const std::vector<AckBatch> acks = Acks();
  ASSERT_THAT(acks, SizeIs(1));
  EXPECT_EQ(acks[0].ack.outcome, AckOutcome::kFailed);
  EXPECT_EQ(acks[0].ack.error, "the group failed: a process did not come");
}

TEST_F(GroupDispatchTest, AnotherCollectiveIsNotTakenForOurs) {
  std::vector<std::thread> others;
  for (const int rank : {0, 2, 3}) {
    others.emplace_back([=, this] {
      std::string theirs(16, 'x');
      EXPECT_TRUE(groups_[rank]->Broadcast(theirs.data(), theirs.size(), 0).ok());
    });
  }
  DispatchOn(1, 7);
  for (std::thread& other : others) other.join();
  EXPECT_TRUE(absl::IsFailedPrecondition(processes_[1]->result.status()));
  EXPECT_THAT(processes_[1]->result.status().message(), HasSubstr("another collective"));
}

}  // namespace
}  // namespace signalbox::internal
