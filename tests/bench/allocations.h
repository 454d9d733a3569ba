#ifndef SIGNALBOX_TESTS_BENCH_ALLOCATIONS_H
#define SIGNALBOX_TESTS_BENCH_ALLOCATIONS_H

#include <cstdint>

namespace signalbox::bench {

/// How often the calling thread has allocated memory so far, through operator new.
int64_t AllocationsOfThisThread();

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_ALLOCATIONS_H
