#ifndef SIGNALBOX_TESTS_SUPPORT_ALLOCATIONS_H
#define SIGNALBOX_TESTS_SUPPORT_ALLOCATIONS_H

#include <cstdint>

namespace signalbox {

/// How often the calling thread has allocated memory so far, through operator new.
int64_t AllocationsOfThisThread();

}  // namespace signalbox

#endif  // SIGNALBOX_TESTS_SUPPORT_ALLOCATIONS_H
