// Reading an inbox allocates nothing. In a program of its own, because it counts every allocation.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "inbox_state.h"

namespace {

thread_local int allocations = 0;

}  // namespace

// Not inlined, or gcc takes new and free() for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

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
  const int before = allocations;
  ::operator delete(::operator new(1));
  EXPECT_EQ(allocations, before + 1);
}

TEST(AllocationTest, NothingIsAllocatedWhenNothingIsPending) {
  InboxState state;
  state.OnStreamOpening();
  state.OnStreamMessage(MakeMessage(1, "k"));
  state.OnWithdrawn("m1");
  const int before = allocations;
  EXPECT_EQ(state.Oldest("k"), nullptr);
  EXPECT_TRUE(state.All().empty());
  EXPECT_EQ(allocations, before);
}

TEST(AllocationTest, GetAllocatesNothingAtAll) {
  InboxState state;
  state.OnStreamOpening();
  for (int64_t sequence = 1; sequence <= 100; ++sequence) state.OnStreamMessage(MakeMessage(sequence, "k"));
  const int before = allocations;
  EXPECT_NE(state.Oldest("k"), nullptr);
  EXPECT_EQ(state.Oldest("other"), nullptr);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace signalbox::internal
