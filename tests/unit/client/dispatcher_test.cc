#include "dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "fake_clock.h"

namespace signalbox::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Message MakeMessage(int64_t sequence, const std::string& key) {
  Message message;
  message.id = "m" + std::to_string(sequence);
  message.sequence = sequence;
  message.key = key;
  return message;
}

class DispatcherTest : public testing::Test {
 protected:
  static AckOutbox MakeOutbox(std::size_t capacity) {
    return {capacity, Backoff({absl::Seconds(1), absl::Seconds(1)}, [] { return 0.0; })};
  }

  void Arrive(int64_t sequence, const std::string& key) {
    const absl::MutexLock lock(&shared_.mu);
    shared_.state.OnStreamMessage(MakeMessage(sequence, key));
  }

  void Handle(const std::string& key, Handler handler) {
    ASSERT_TRUE(dispatcher_.Register({key, Kind::kUnspecified, ""}, std::move(handler)).ok());
  }

  // Remembers the ids it was called with.
  Handler Recorder() {
    return [this](const Message& message) -> HandlerResult {
      handled_.push_back(message.id);
      return Value();
    };
  }

  int Dispatch(int64_t step = 7, int at_most = 1000) {
    return dispatcher_.Dispatch(step, at_most, shared_, [] {});
  }

  std::optional<AckBatch> NextBatch() {
    const absl::MutexLock lock(&shared_.mu);
    return shared_.outbox.StartBatch(At(0));
  }

  InboxShared shared_{MakeOutbox(3)};
  Dispatcher dispatcher_;
  std::vector<std::string> handled_;
};

TEST_F(DispatcherTest, RunsHandlersInOrderAndLeavesOtherKeysAlone) {
  Handle("a", Recorder());
  Handle("b", Recorder());
  Arrive(1, "a");
  Arrive(2, "other");
  Arrive(3, "b");
  EXPECT_EQ(Dispatch(), 2);
  EXPECT_THAT(handled_, ElementsAre("m1", "m3"));
  EXPECT_EQ(shared_.state.Oldest("other")->id, "m2");
  EXPECT_EQ(shared_.state.Oldest("a"), nullptr);
}

TEST_F(DispatcherTest, RunsNoMoreHandlersThanItMay) {
  Handle("a", Recorder());
  Arrive(1, "other");
  Arrive(2, "a");
  Arrive(3, "a");
  EXPECT_EQ(Dispatch(1, 0), 0);
  EXPECT_EQ(Dispatch(1, 1), 1);
  EXPECT_THAT(handled_, ElementsAre("m2"));
  EXPECT_EQ(Dispatch(1, 5), 1);
  EXPECT_THAT(handled_, ElementsAre("m2", "m3"));
}

TEST_F(DispatcherTest, HandlesAMessageOnceHoweverOftenItIsSent) {
  Handle("a", Recorder());
  Arrive(1, "a");
  EXPECT_EQ(Dispatch(), 1);
  Arrive(1, "a");
  EXPECT_EQ(Dispatch(), 0);
  EXPECT_THAT(handled_, ElementsAre("m1"));
}

TEST_F(DispatcherTest, AcksWithReplyAndStep) {
  Handle("save", [](const Message&) -> HandlerResult { return Value("/tmp/checkpoint"); });
  Arrive(1, "save");
  Dispatch(42);
  const auto batch = NextBatch();
  ASSERT_TRUE(batch.has_value());
  EXPECT_THAT(batch->message_ids, ElementsAre("m1"));
  EXPECT_EQ(batch->ack.outcome, AckOutcome::kApplied);
  EXPECT_EQ(*batch->ack.reply, Value("/tmp/checkpoint"));
  EXPECT_EQ(batch->ack.step, 42);
}

TEST_F(DispatcherTest, AnErrorOrAnExceptionFailsTheMessageWithItsText) {
  const Message message = MakeMessage(1, "a");
  const auto ack_of = [&](const Handler& handler) { return RunHandler(handler, message, 1); };
  Ack ack = ack_of([](const Message&) -> HandlerResult { return absl::NotFoundError("no such layer"); });
  EXPECT_EQ(ack.outcome, AckOutcome::kFailed);
  EXPECT_EQ(ack.error, "no such layer");
  ack = ack_of([](const Message&) -> HandlerResult { throw std::runtime_error("disk full"); });
  EXPECT_EQ(ack.outcome, AckOutcome::kFailed);
  EXPECT_EQ(ack.error, "disk full");
  ack = ack_of([](const Message&) -> HandlerResult { throw 7; });
  EXPECT_EQ(ack.outcome, AckOutcome::kFailed);
  EXPECT_FALSE(ack.error.empty());
  ack = ack_of([](const Message&) -> HandlerResult { return absl::InternalError(""); });
  EXPECT_FALSE(ack.error.empty());
}

TEST_F(DispatcherTest, AnErrorTextIsMadeFitForTheServer) {
  const Handler handler = [](const Message&) -> HandlerResult {
    throw std::runtime_error(std::string(1023, 'x') + "ä and more");
  };
  EXPECT_EQ(RunHandler(handler, MakeMessage(1, "a"), 1).error, std::string(1023, 'x'));
  const Handler binary = [](const Message&) -> HandlerResult {
    return absl::InternalError(absl::string_view("a\0b\xff", 4));
  };
  EXPECT_EQ(RunHandler(binary, MakeMessage(1, "a"), 1).error, "a?b?");
}

TEST_F(DispatcherTest, AReplyThatTheServerWouldRefuseFailsTheMessage) {
  const Handler handler = [](const Message&) -> HandlerResult { return Value(std::string(20000, 'x')); };
  const Ack ack = RunHandler(handler, MakeMessage(1, "a"), 1);
  EXPECT_EQ(ack.outcome, AckOutcome::kFailed);
  EXPECT_NE(ack.error.find("16384"), std::string::npos) << ack.error;
}

TEST_F(DispatcherTest, ADispatchWithinAHandlerDoesNothing) {
  int inner = -1;
  Handle("a", [&](const Message&) -> HandlerResult {
    inner = Dispatch();
    return Value();
  });
  Arrive(1, "a");
  Arrive(2, "a");
  EXPECT_EQ(Dispatch(), 2);
  EXPECT_EQ(inner, 0);
}

TEST_F(DispatcherTest, WithoutRoomForTheAckNothingIsHandled) {
  Handle("a", Recorder());
  for (int i = 1; i <= 5; ++i) Arrive(i, "a");
  EXPECT_EQ(Dispatch(), 3);
  EXPECT_EQ(Dispatch(), 0);
  EXPECT_EQ(shared_.state.Oldest("a")->id, "m4") << "the rest stays for later";
  NextBatch();
  {
    const absl::MutexLock lock(&shared_.mu);
    shared_.outbox.OnAnswered({{"m1", true, {}}, {"m2", true, {}}, {"m3", true, {}}}, At(0));
  }
  EXPECT_EQ(Dispatch(), 2);
}

// What found no room was passed over, and what came after it was handled first when room was made meanwhile.
TEST_F(DispatcherTest, WithoutRoomForTheAckNothingOvertakes) {
  constexpr int kMessages = 500;
  Handle("a", Recorder());
  for (int i = 1; i <= kMessages; ++i) Arrive(i, "a");
  std::atomic<bool> is_over{false};
  std::thread server([&] {
    while (!is_over) {
      const absl::MutexLock lock(&shared_.mu);
      const std::optional<AckBatch> batch = shared_.outbox.StartBatch(At(0));
      if (!batch.has_value()) continue;
      std::vector<AckResult> results;
      for (const std::string& id : batch->message_ids) results.push_back({id, true, {}});
      shared_.outbox.OnAnswered(results, At(0));
    }
  });
  int handled = 0;
  while (handled < kMessages) handled += Dispatch();
  is_over = true;
  server.join();
  std::vector<std::string> in_order;
  for (int i = 1; i <= kMessages; ++i) in_order.push_back("m" + std::to_string(i));
  EXPECT_EQ(handled_, in_order);
}

TEST_F(DispatcherTest, AWithdrawnMessageIsNotHandledAnyMore) {
  Handle("a", [&](const Message& message) -> HandlerResult {
    handled_.push_back(message.id);
    const absl::MutexLock lock(&shared_.mu);
    shared_.state.OnWithdrawn("m2");
    return Value();
  });
  Arrive(1, "a");
  Arrive(2, "a");
  EXPECT_EQ(Dispatch(), 1);
  EXPECT_THAT(handled_, ElementsAre("m1"));
}

TEST_F(DispatcherTest, ALaterHandlerReplacesAnEarlierOne) {
  Handle("a", [](const Message&) -> HandlerResult { return absl::InternalError("old"); });
  Handle("a", Recorder());
  Arrive(1, "a");
  EXPECT_EQ(Dispatch(), 1);
  EXPECT_THAT(handled_, ElementsAre("m1"));
  EXPECT_EQ(dispatcher_.Declarations().size(), 1u);
}

TEST_F(DispatcherTest, RegistrationNamesTheFieldThatIsWrong) {
  EXPECT_EQ(dispatcher_.Register({"", Kind::kUnspecified, ""}, Recorder()).message(), "key: required");
  EXPECT_EQ(dispatcher_.Register({"a", Kind::kUnspecified, ""}, nullptr).message(), "handler: required");
  EXPECT_THAT(dispatcher_.Declarations(), IsEmpty());
}

TEST_F(DispatcherTest, AtMost256KeysHaveHandlers) {
  for (int i = 0; i < 256; ++i) Handle("key" + std::to_string(i), Recorder());
  EXPECT_TRUE(
      absl::IsResourceExhausted(dispatcher_.Register({"one more", Kind::kUnspecified, ""}, Recorder())));
  EXPECT_EQ(dispatcher_.Declarations().size(), 256u);
}

TEST_F(DispatcherTest, AnOutcomeThatFollowsLaterIsOnlyAClaim) {
  Handle("save", [](const Message&) -> HandlerResult { return std::nullopt; });
  Arrive(1, "save");
  EXPECT_EQ(Dispatch(), 1);
  const std::optional<AckBatch> batch = NextBatch();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->ack.outcome, AckOutcome::kUnspecified);
  EXPECT_EQ(batch->ack.step, 0);
}

TEST_F(DispatcherTest, CopiesHandlersForAForkedChild) {
  Handle("a", Recorder());
  Dispatcher copy;
  copy.CopyFrom(dispatcher_);
  Arrive(1, "a");
  EXPECT_EQ(copy.Dispatch(1, 1, shared_, [] {}), 1);
}

}  // namespace
}  // namespace signalbox::internal
