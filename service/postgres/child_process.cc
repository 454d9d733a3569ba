#include "service/postgres/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/postgres/file_descriptor.h"

namespace signalbox::service {
namespace {

constexpr int kFirstDirectory = 3;

// Descriptors are first moved here, so that placing one never overwrites another.
constexpr int kParkingFrom = 64;

// What went wrong between fork and exec.
struct Failure {
  int error;
  char action[24];
};

// Everything below, up to ExecChild(), runs in the child of a process with threads: only calls that are
// safe there, and no allocation.

[[noreturn]] void Fail(int report, const char* action) {
  Failure failure{.error = errno, .action = {}};
  std::strncpy(failure.action, action, sizeof(failure.action) - 1);
  [[maybe_unused]] const ssize_t written = write(report, &failure, sizeof(failure));
  _exit(127);
}

void ResetSignals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool Place(int source, int target) { return dup2(source, target) == target; }

// Raw system calls: the library's wrappers want to reach the parent's other threads.
bool SwitchTo(const UnixIdentity& identity) {
  return syscall(SYS_setgroups, 0, nullptr) == 0 &&
         syscall(SYS_setresgid, identity.group, identity.group, identity.group) == 0 &&
         syscall(SYS_setresuid, identity.user, identity.user, identity.user) == 0;
}

// Pointers prepared before the fork.
struct Prepared {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::vector<int> descriptors;  // For 0, 1, 2, 3, …
  pid_t parent = getpid();
};

[[noreturn]] void ExecChild(const ChildProgram& program, Prepared& prepared, int report) {
  ResetSignals();
  if (setsid() < 0) Fail(report, "setsid");
  if (chdir("/") != 0) Fail(report, "chdir");
  umask(077);

  report = fcntl(report, F_DUPFD_CLOEXEC, kParkingFrom);
  for (int& descriptor : prepared.descriptors) {
    descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, kParkingFrom);
    if (descriptor < 0) Fail(report, "dup");
  }
  int target = 0;
  for (const int descriptor : prepared.descriptors) {
    if (!Place(descriptor, target++)) Fail(report, "dup2");
  }
  // Libraries of the parent may have opened files without the close-on-exec flag.
  syscall(SYS_close_range, target, ~0U, 1U << 2U /* CLOSE_RANGE_CLOEXEC */);

  if (program.identity.has_value() && !SwitchTo(*program.identity)) Fail(report, "change user");
  // After the switch, which clears it. The parent may have died before: then the signal never comes.
  if (prctl(PR_SET_PDEATHSIG, program.signal_on_parent_death) != 0) Fail(report, "prctl");
  if (getppid() != prepared.parent) _exit(127);

  execve(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  Fail(report, "execute");
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

absl::Status SystemError(absl::string_view action, int error) {
  return absl::FailedPreconditionError(absl::StrCat("cannot ", action, ": ", strerror(error)));
}

int ReapAfter(pid_t child) {
  int wait_status = 0;
  while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  return wait_status;
}

// Waits until the child runs its program; exec closes its end of the pipe.
absl::StatusOr<pid_t> Started(pid_t child, FileDescriptor report, const std::string& program) {
  Failure failure{};
  ssize_t count = 0;
  while ((count = read(report.get(), &failure, sizeof(failure))) < 0 && errno == EINTR) {
  }
  if (count == 0) return child;
  ReapAfter(child);
  return SystemError(absl::StrCat("start ", program, " (", failure.action, ")"), failure.error);
}

}  // namespace

std::string DirectoryOfChild(int n) { return absl::StrCat("/proc/self/fd/", kFirstDirectory + n); }

absl::StatusOr<pid_t> SpawnChild(const ChildProgram& program) {
  const FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  std::array<int, 2> ends{};
  if (!null.IsOpen() || pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError("start a process", errno);
  FileDescriptor reports(ends[0]);
  FileDescriptor reporter(ends[1]);

  const int input = program.input >= 0 ? program.input : null.get();
  const int output = program.output >= 0 ? program.output : null.get();
  Prepared prepared{.arguments = Pointers(program.arguments),
                    .environment = Pointers(program.environment),
                    .descriptors = {input, output, output}};
  prepared.descriptors.insert(prepared.descriptors.end(), program.directories.begin(),
                              program.directories.end());

  const pid_t child = fork();
  if (child < 0) return SystemError("fork", errno);
  if (child == 0) ExecChild(program, prepared, reporter.get());
  reporter.Close();
  return Started(child, std::move(reports), program.arguments.front());
}

absl::StatusOr<int> AwaitChild(pid_t child, absl::Duration limit, const Pause& pause) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(limit);
  for (;;) {
    int wait_status = 0;
    const pid_t ended = waitpid(child, &wait_status, WNOHANG);
    if (ended == child) return wait_status;
    if (ended < 0 && errno != EINTR) return SystemError("wait for a process", errno);
    const bool cancelled = !pause(absl::Milliseconds(5));
    if (!cancelled && std::chrono::steady_clock::now() < deadline) continue;
    kill(-child, SIGKILL);
    ReapAfter(child);
    if (cancelled) return absl::CancelledError("cancelled");
    return absl::DeadlineExceededError(absl::StrFormat("not done within %s", absl::FormatDuration(limit)));
  }
}

std::string DescribeWaitStatus(int wait_status) {
  if (WIFSIGNALED(wait_status)) return absl::StrCat("signal ", WTERMSIG(wait_status));
  return absl::StrCat("exit status ", WEXITSTATUS(wait_status));
}

}  // namespace signalbox::service
