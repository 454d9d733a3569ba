// What reading an inbox allocates and frees. In a program of its own, because it counts every time.

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <new>
#include <thread>
#include <vector>

#include "inbox_state.h"
#include "tests/support/allocations.h"

namespace signalbox::internal {
namespace {

Message MakeMessage(int64_t sequence, const std::string& key) {
  Message message;
  message.id = "m" + std::to_string(sequence);
  message.sequence = sequence;
  message.key = key;
  return message;
}

TEST(AllocationTest, TheCounterCounts) {
  const int64_t allocations = AllocationsOfThisThread();
  const int64_t frees = FreesOfThisThread();
  ::operator delete(::operator new(1));
  EXPECT_EQ(AllocationsOfThisThread(), allocations + 1);
  EXPECT_EQ(FreesOfThisThread(), frees + 1);
}

TEST(AllocationTest, NothingIsAllocatedWhenNothingIsPending) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1, "k"));
  state.OnWithdrawn("m1");
  const int64_t before = AllocationsOfThisThread();
  EXPECT_EQ(state.Oldest("k"), nullptr);
  EXPECT_TRUE(state.All().empty());
  EXPECT_EQ(AllocationsOfThisThread(), before);
}

TEST(AllocationTest, GetAllocatesNothingAtAll) {
  InboxState state;
  state.OnStreamOpening();
  for (int64_t sequence = 1; sequence <= 100; ++sequence) state.OnStreamMessage(MakeMessage(sequence, "k"));
  const int64_t before = AllocationsOfThisThread();
  EXPECT_NE(state.Oldest("k"), nullptr);
  EXPECT_EQ(state.Oldest("other"), nullptr);
  EXPECT_EQ(AllocationsOfThisThread(), before);
}

TEST(AllocationTest, GetAllAllocatesOnlyWhatItReturnsAndAtOnce) {
  InboxState state;
  state.OnStreamOpening();
  for (int64_t sequence = 1; sequence <= 100; ++sequence) state.OnStreamMessage(MakeMessage(sequence, "k"));
  const int64_t before = AllocationsOfThisThread();
  EXPECT_EQ(state.All().size(), 100);
  EXPECT_EQ(AllocationsOfThisThread(), before + 1);
}

struct Reading {
  int64_t rounds = 0;  // Each calls Oldest() and All() once.
  int64_t allocations = 0;
  int64_t frees = 0;
};

Reading ReadUntil(const std::atomic<bool>& is_over, const InboxState& state) {
  Reading reading;
  const int64_t allocations = AllocationsOfThisThread();
  const int64_t frees = FreesOfThisThread();
  while (!is_over) {
    const MessagePtr oldest = state.Oldest("k");
    const std::vector<MessagePtr> all = state.All();
    ++reading.rounds;
  }
  reading.allocations = AllocationsOfThisThread() - allocations;
  reading.frees = FreesOfThisThread() - frees;
  return reading;
}

// A reader that was the last to hold an old snapshot freed it, and could wait for the thread whose memory
// it was.
TEST(AllocationTest, ReadersNeverFreeWhatAnotherThreadAllocated) {
  InboxState state;
  state.OnStreamOpening();
  std::atomic<bool> is_over{false};
  std::vector<Reading> readings(2);
  std::latch begun(std::ssize(readings));
  std::vector<std::thread> readers;
  for (Reading& reading : readings) {
    readers.emplace_back([&] {
      begun.count_down();
      reading = ReadUntil(is_over, state);
    });
  }
  begun.wait();
  for (int64_t sequence = 1; sequence <= 20000; ++sequence) {
    state.OnStreamMessage(MakeMessage(sequence, "k"));
    if (sequence > 10) state.OnWithdrawn("m" + std::to_string(sequence - 10));
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  for (const Reading& reading : readings) {
    EXPECT_LE(reading.allocations, reading.rounds);
    EXPECT_EQ(reading.frees, reading.allocations);
  }
}

}  // namespace
}  // namespace signalbox::internal
