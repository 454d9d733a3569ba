#ifndef SIGNALBOX_TESTS_BENCH_PROCESS_H
#define SIGNALBOX_TESTS_BENCH_PROCESS_H

#include <sys/types.h>

#include <string>

namespace signalbox::bench {

/// CPU seconds that a process has used, its own and the kernel's for it, in steps of 10 ms; 0 when it
/// is not there.
double CpuSeconds(pid_t pid);

/// The same of all processes that descend from it: a server's embedded Postgres.
double DescendantsCpuSeconds(pid_t pid);

/// CPU seconds of the calling process, exactly.
double OwnCpuSeconds();

/// A number of /proc/PID/status, such as "VmRSS" (kB) or "Threads"; 0 when it is not there.
double StatusNumber(pid_t pid, const std::string& name);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_PROCESS_H
