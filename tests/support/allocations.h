#ifndef SIGNALBOX_TESTS_SUPPORT_ALLOCATIONS_H
#define SIGNALBOX_TESTS_SUPPORT_ALLOCATIONS_H

#include <cstdint>

namespace signalbox {

/// How often the calling thread has allocated memory so far, through operator new.
int64_t AllocationsOfThisThread();

/// How often it has freed memory, through operator delete; that of other threads too.
int64_t FreesOfThisThread();

}  // namespace signalbox

#endif  // SIGNALBOX_TESTS_SUPPORT_ALLOCATIONS_H
