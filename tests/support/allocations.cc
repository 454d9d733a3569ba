// Counts the allocations of the whole program; a count of its own for each thread costs next to nothing.

#include "tests/support/allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local int64_t allocations = 0;

}  // namespace

// Not inlined, or gcc takes new and free() for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace signalbox {

int64_t AllocationsOfThisThread() { return allocations; }

}  // namespace signalbox
