// Counts what the whole program allocates and frees; counts of its own for each thread cost next to nothing.

#include "tests/support/allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local int64_t allocations = 0;
thread_local int64_t frees = 0;

void Free(void* memory) {
  if (memory != nullptr) ++frees;
  std::free(memory);
}

}  // namespace

// Not inlined, or gcc takes new and free() for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { Free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { Free(memory); }

namespace signalbox {

int64_t AllocationsOfThisThread() { return allocations; }
int64_t FreesOfThisThread() { return frees; }

}  // namespace signalbox
