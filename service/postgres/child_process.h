#ifndef SIGNALBOX_SERVICE_POSTGRES_CHILD_PROCESS_H
#define SIGNALBOX_SERVICE_POSTGRES_CHILD_PROCESS_H

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/postgres/unix_identity.h"

namespace signalbox::service {

/// Waits that long; returns false, at once, when whatever is being waited for is to be given up.
using Pause = std::function<bool(absl::Duration)>;

/// A program to run. Descriptors stay the caller's and must be open until SpawnChild() returned.
struct ChildProgram {
  std::vector<std::string> arguments;    // The first is the absolute path of the program.
  std::vector<std::string> environment;  // NAME=value; nothing is inherited.
  std::optional<UnixIdentity> identity;  // Unset: that of this process.
  int input = -1;                        // Standard input; -1 is /dev/null.
  int output = -1;                       // Standard output and error; -1 is /dev/null.

  /// Directories that the child has open as 3, 4, …; see DirectoryOfChild().
  std::vector<int> directories;

  /// Sent by the kernel when the thread that spawned the child ends, however it ends.
  int signal_on_parent_death = SIGKILL;
};

/// Path by which the child reaches the n-th of its directories. It leads there directly, so it works for
/// a user who may not pass the folders above it, and it means the same in every process that inherits
/// the descriptor.
std::string DirectoryOfChild(int n);

/// Starts the program, without a shell, in a session of its own (a terminal's Ctrl-C does not reach it),
/// in the folder /, with default signal handling and no descriptor other than those named.
/// kFailedPrecondition names the program and the system's reason when it cannot be run. The caller reaps.
absl::StatusOr<pid_t> SpawnChild(const ChildProgram& program);

/// Waits for the end of a child and reaps it; returns what waitpid() tells. After `limit`
/// (kDeadlineExceeded), or when `pause` says so (kCancelled), its whole session is killed.
absl::StatusOr<int> AwaitChild(pid_t child, absl::Duration limit, const Pause& pause);

/// "exit status 1", "signal 9".
std::string DescribeWaitStatus(int wait_status);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_CHILD_PROCESS_H
