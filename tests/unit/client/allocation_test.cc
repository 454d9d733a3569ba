// Reading an inbox allocates nothing. In a program of its own, because it counts every allocation.

#include <gtest/gtest.h>

#include <new>

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
  const int64_t before = AllocationsOfThisThread();
  ::operator delete(::operator new(1));
  EXPECT_EQ(AllocationsOfThisThread(), before + 1);
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

}  // namespace
}  // namespace signalbox::internal
