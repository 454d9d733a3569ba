// An inbox and a real connection: servers that are away, silent, slow, restarted.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "black_hole.h"
#include "quick_inbox.h"
#include "signalbox/client.h"
#include "small_server.h"

namespace signalbox {
namespace {

TEST(InboxNetworkTest, DeliversWhatIsPendingAndWhatComesThenAndNeverPolls) {
  SmallServer server;
  server.Publish("save", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  ASSERT_TRUE(Eventually([&] { return inbox->Get("save").has_value(); }));
  server.Publish("learning-rate", 0.5);
  ASSERT_TRUE(Eventually([&] { return inbox->Get("learning-rate").has_value(); }));
  EXPECT_EQ(*(*inbox->Get("learning-rate"))->value.as_number(), 0.5);
  EXPECT_EQ(inbox->GetAll().size(), 2u);
  EXPECT_TRUE(Eventually([&] { return inbox->Status().state == ConnectionState::kStreaming; }));
  EXPECT_LT(inbox->Status().age, absl::Seconds(5));
  absl::SleepFor(absl::Milliseconds(1200));  // More than two refreshes.
  EXPECT_EQ(server.get_all_calls, 0);
}

TEST(InboxNetworkTest, AnAckTakesTheMessageOutAtOnceAndArrives) {
  SmallServer server;
  const std::string id = server.Publish("save", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  ASSERT_TRUE(inbox->WaitSynced(absl::Seconds(10)));
  auto message = inbox->Get("save");
  ASSERT_TRUE(message.has_value());
  server.loses_ack_answers = true;
  ASSERT_TRUE(message->Ack({AckOutcome::kApplied, Value("done"), "", 7}).ok());
  EXPECT_FALSE(inbox->Get("save").has_value());
  EXPECT_TRUE(Eventually([&] { return server.StateOf(id) == "MESSAGE_STATE_APPLIED"; }));
  EXPECT_TRUE(Eventually([&] { return server.ack_calls >= 2; })) << "a lost answer must be asked for again";
  EXPECT_EQ(server.LastAck().step(), 7);
  EXPECT_EQ(server.LastAck().consumer(), inbox->consumer());
}

TEST(InboxNetworkTest, AckNowTellsWhoWon) {
  SmallServer server;
  server.Publish("save", 1);
  auto client = MakeClient(server.address());
  auto first = Open(*client);
  auto second = Open(*client);
  ASSERT_TRUE(Eventually([&] { return first->Get("save").has_value() && second->Get("save").has_value(); }));
  const auto of_first = first->Get("save");
  const auto of_second = second->Get("save");
  const auto won = of_first->AckNow(absl::Seconds(5));
  const auto lost = of_second->AckNow(absl::Seconds(5));
  ASSERT_TRUE(won.ok()) << won.status();
  ASSERT_TRUE(lost.ok()) << lost.status();
  EXPECT_TRUE(*won);
  EXPECT_FALSE(*lost);
}

TEST(InboxNetworkTest, DispatchRunsAHandlerOnceAndReports) {
  SmallServer server;
  const std::string good = server.Publish("save", 1);
  const std::string bad = server.Publish("evaluate", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  int saved = 0;
  ASSERT_TRUE(inbox->On("save", [&](const Message&) -> HandlerResult { return Value(++saved); }).ok());
  ASSERT_TRUE(
      inbox->On("evaluate", [](const Message&) -> HandlerResult { throw std::runtime_error("no data"); })
          .ok());
  ASSERT_TRUE(inbox->WaitSynced(absl::Seconds(10)));
  EXPECT_EQ(inbox->Dispatch(12), 2);
  EXPECT_EQ(inbox->Dispatch(13), 0);
  EXPECT_TRUE(Eventually([&] {
    return server.StateOf(good) == "MESSAGE_STATE_APPLIED" && server.StateOf(bad) == "MESSAGE_STATE_FAILED";
  }));
  EXPECT_EQ(server.LastAck().error(), "no data");
  EXPECT_EQ(saved, 1);
  EXPECT_TRUE(Eventually([&] { return server.declared_keys == 2; }));
}

TEST(InboxNetworkTest, SurvivesARestartAndHearsOfWhatWasWithdrawnMeanwhile) {
  SmallServer server;
  const std::string gone = server.Publish("save", 1);
  server.Publish("stay", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  ASSERT_TRUE(Eventually([&] { return inbox->GetAll().size() == 2; }));
  server.Stop();
  ASSERT_TRUE(Eventually([&] { return inbox->Status().state == ConnectionState::kStale; }));
  EXPECT_FALSE(inbox->Status().last_error.ok());
  EXPECT_EQ(inbox->GetAll().size(), 2u) << "what is known stays readable";
  server.Withdraw(gone);
  server.Publish("late", 2);
  server.Start();
  ASSERT_TRUE(Eventually([&] { return inbox->Get("late").has_value(); }, absl::Seconds(5)));
  EXPECT_TRUE(Eventually([&] { return !inbox->Get("save").has_value(); }));
  EXPECT_TRUE(inbox->Get("stay").has_value());
  EXPECT_TRUE(Eventually([&] { return inbox->Status().state == ConnectionState::kStreaming; }));
  EXPECT_TRUE(inbox->Status().last_error.ok());
}

TEST(InboxNetworkTest, ACursorThatIsRefusedIsDropped) {
  SmallServer server;
  server.Publish("save", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  ASSERT_TRUE(Eventually([&] { return inbox->Status().state == ConnectionState::kStreaming; }));
  server.refuses_cursors = true;
  server.Stop();
  server.Start();
  const int streams = server.streams;
  EXPECT_TRUE(Eventually([&] { return server.streams > streams; }));
  EXPECT_TRUE(Eventually([&] { return inbox->Status().state == ConnectionState::kStreaming; }));
  EXPECT_EQ(inbox->GetAll().size(), 1u);
}

TEST(InboxNetworkTest, PollsAServerThatKnowsNoStreams) {
  SmallServer server;
  server.knows_subscribe = false;
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  const std::string id = server.Publish("save", 1);
  ASSERT_TRUE(Eventually([&] { return inbox->Get("save").has_value(); }));
  EXPECT_EQ(inbox->Status().state, ConnectionState::kPolling);
  server.Withdraw(id);
  EXPECT_TRUE(Eventually([&] { return !inbox->Get("save").has_value(); }));
}

TEST(InboxNetworkTest, PollsWhileAStreamIsMuteAndReplacesIt) {
  SmallServer server;
  server.is_mute = true;
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  server.Publish("save", 1);
  ASSERT_TRUE(Eventually([&] { return inbox->Get("save").has_value(); }, absl::Seconds(2)));
  EXPECT_EQ(inbox->Status().state, ConnectionState::kPolling);
  EXPECT_TRUE(Eventually([&] { return server.streams >= 2; }));
  server.is_mute = false;
  EXPECT_TRUE(Eventually([&] { return inbox->Status().state == ConnectionState::kStreaming; }));
}

TEST(InboxNetworkTest, TellsThatTheRunEnded) {
  SmallServer server;
  server.Publish("save", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  ASSERT_TRUE(Eventually([&] { return inbox->Get("save").has_value(); }));
  server.EndRun();
  EXPECT_TRUE(Eventually([&] { return inbox->Status().state == ConnectionState::kEnded; }));
  EXPECT_TRUE(inbox->GetAll().empty());
  EXPECT_TRUE(inbox->WaitSynced(absl::Seconds(5)));
}

// An address that no machine has, and whether its answer is being waited for.
constexpr std::string_view kNobody = "192.0.2.1:50051";
bool IsConnectingToNobody() {
  std::ifstream sockets("/proc/self/net/tcp");
  std::string line;
  while (std::getline(sockets, line)) {
    if (line.find(" 010200C0:C383 02 ") != std::string::npos) return true;  // SYN_SENT.
  }
  return false;
}

TEST(InboxNetworkTest, CloseIsQuickWhateverTheNetworkDoes) {
  const BlackHole black_hole;
  SmallServer server;
  server.Publish("save", 1);
  for (const std::string& address :
       {black_hole.address(), std::string("127.0.0.1:1"), std::string(kNobody), server.address()}) {
    auto client = MakeClient(address);
    auto inbox = Open(*client);
    ASSERT_TRUE(Eventually([&] {
      if (address == black_hole.address()) return black_hole.WasFound();
      if (address == kNobody && IsConnectingToNobody()) return true;
      return !inbox->GetAll().empty() || !inbox->Status().last_error.ok();
    })) << address;
    for (const ReceivedMessage& message : inbox->GetAll()) EXPECT_TRUE(message.Ack().ok());
    const absl::Time start = absl::Now();
    inbox->Close();
    inbox.reset();
    EXPECT_LT(absl::Now() - start, absl::Seconds(2)) << address;
  }
}

TEST(InboxNetworkTest, CloseWithAnAckUnderWayAndTheServerGone) {
  SmallServer server;
  server.Publish("save", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  ASSERT_TRUE(Eventually([&] { return inbox->Get("save").has_value(); }));
  const auto message = inbox->Get("save");
  server.Stop();
  ASSERT_TRUE(message->Ack().ok());
  const absl::Time start = absl::Now();
  inbox->Close();
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
  EXPECT_EQ(inbox->Status().state, ConnectionState::kClosed);
  EXPECT_TRUE(absl::IsFailedPrecondition(message->Ack()));
  inbox.reset();
  EXPECT_TRUE(absl::IsFailedPrecondition(message->Ack()));
}

TEST(InboxNetworkTest, PlainCallsGiveUpAtTheirDeadline) {
  const BlackHole black_hole;
  auto client = MakeClient(black_hole.address());
  const absl::Time start = absl::Now();
  const auto run = client->GetRun(RunRef::ById("r1"), absl::Milliseconds(500));
  EXPECT_TRUE(absl::IsDeadlineExceeded(run.status()) || absl::IsUnavailable(run.status())) << run.status();
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

TEST(InboxNetworkTest, AStormOfInboxes) {
  SmallServer server;
  server.Publish("save", 1);
  auto client = MakeClient(server.address());
  for (int round = 0; round < 200; ++round) {
    auto inbox = Open(*client);
    if (round % 3 == 0) {
      ASSERT_TRUE(Eventually([&] { return inbox->Get("save").has_value(); }));
    }
    std::thread other([&] { inbox->Close(); });
    inbox->Close();
    other.join();
  }
}

// The signals that each other thread of this process blocks, as the kernel tells.
std::vector<std::string> BlockedSignalsOfOtherThreads() {
  std::vector<std::string> masks;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    if (thread.path().filename() == std::to_string(getpid())) continue;
    std::ifstream status(thread.path() / "status");
    std::string line;
    while (std::getline(status, line)) {
      if (line.starts_with("SigBlk:")) masks.push_back(line.substr(8));
    }
  }
  return masks;
}

// In a process of its own, where gRPC has not been started yet: a program's signals are handled on
// the program's own threads.
TEST(InboxNetworkTest, ThreadsOfTheLibraryTakeNoSignals) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        auto client = MakeClient("127.0.0.1:1");
        if (!BlockedSignalsOfOtherThreads().empty()) _exit(1);
        auto inbox = Open(*client);
        // By the time that a call has failed, the threads that make calls are there.
        if (!Eventually([&] { return !inbox->Status().last_error.ok(); })) _exit(2);
        const std::vector<std::string> masks = BlockedSignalsOfOtherThreads();
        if (masks.empty()) _exit(3);
        for (const std::string& mask : masks) {
          // Bit 14 is SIGTERM, bit 1 SIGINT.
          const auto bits = std::stoull(mask, nullptr, 16);
          if ((bits & (1ULL << (SIGTERM - 1))) == 0 || (bits & (1ULL << (SIGINT - 1))) == 0) _exit(4);
        }
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

// A thread that takes and releases a lock all the time, as those of gRPC do while messages arrive. absl
// accounts for all locks under one of its own; when a fork finds that one held, it stays held in the
// child, where whoever takes any lock then waits for ever.
class BusyWithLocks {
 public:
  BusyWithLocks() : thread_([this] { TakeAndRelease(); }) {}
  ~BusyWithLocks() {
    over_ = true;
    thread_.join();
  }

 private:
  void TakeAndRelease() {
    absl::Mutex mu;
    while (!over_) const absl::MutexLock lock(&mu);
  }

  std::atomic<bool> over_{false};
  std::thread thread_;
};

TEST(InboxNetworkTest, AForkedChildIsInertAndTheParentGoesOn) {
  const BusyWithLocks busy;
  SmallServer server;
  server.Publish("save", 1);
  auto client = MakeClient(server.address());
  auto inbox = Open(*client);
  ASSERT_TRUE(Eventually([&] { return inbox->Get("save").has_value(); }));
  const auto message = inbox->Get("save");
  for (int round = 0; round < 50; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(5);  // A child that hangs fails.
      const bool is_inert = inbox->Status().state == ConnectionState::kClosed &&
                            !inbox->Get("save").has_value() && inbox->GetAll().empty() &&
                            absl::IsFailedPrecondition(message->Ack()) &&
                            absl::IsFailedPrecondition(client->GetRun(RunRef::ById("r1")).status()) &&
                            absl::IsFailedPrecondition(inbox->Reopen()) &&
                            absl::IsFailedPrecondition(Client::Create({}).status()) &&
                            inbox->Dispatch(1) == 0 && !inbox->WaitSynced(absl::Seconds(1));
      inbox->Close();
      inbox.reset();
      client.reset();
      _exit(is_inert ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "round " << round << ", status " << status;
  }
  server.Publish("late", 1);
  EXPECT_TRUE(Eventually([&] { return inbox->Get("late").has_value(); }));
}

TEST(InboxNetworkTest, WatchTellsAndEndsWithTheRun) {
  SmallServer server;
  const std::string id = server.Publish("save", 1);
  auto client = MakeClient(server.address());
  std::vector<WatchEvent::Type> seen;
  const absl::Status status = client->Watch({RunRef::ById("r1"), {}, ""}, [&](const WatchEvent* event) {
    if (event == nullptr) return true;
    seen.push_back(event->type);
    if (event->type == WatchEvent::Type::kSynced && seen.size() == 2) server.Withdraw(id);
    if (event->type == WatchEvent::Type::kWithdrawn) server.EndRun();
    return true;
  });
  EXPECT_TRUE(status.ok()) << status;
  ASSERT_GE(seen.size(), 4u);
  EXPECT_EQ(seen[0], WatchEvent::Type::kMessage);
  EXPECT_EQ(seen[1], WatchEvent::Type::kSynced);
  EXPECT_EQ(seen[2], WatchEvent::Type::kWithdrawn);
  EXPECT_EQ(seen.back(), WatchEvent::Type::kRunEnded);
}

}  // namespace
}  // namespace signalbox
