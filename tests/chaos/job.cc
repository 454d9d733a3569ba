// A training job under observation: `signalbox_chaos_job RUN PAUSE_MS`, with the server in SIGNALBOX_ADDRESS.
//
// The main thread takes steps of fixed work. In each it reads its inbox in a hot loop, where a system call is
// caught and counted, and now and then it dispatches. After a step it sleeps PAUSE_MS. What happens is told
// on standard output as JSON lines, times by CLOCK_MONOTONIC. A line on standard input ends a phase and
// begins the next, of that name; the end of standard input ends the job.

#include <linux/prctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "signalbox/client.h"

namespace {

constexpr int kCallsPerStep = 100;
constexpr int kStepsPerDispatch = 10;
constexpr int kStepsPerCount = 100;
constexpr int kSlowCallNanos = 20'000;

int64_t Nanos(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

double Now() { return static_cast<double>(Nanos(CLOCK_MONOTONIC)) / 1e9; }

template <typename... Args>
void Tell(const absl::FormatSpec<Args...>& format, const Args&... args) {
  static std::mutex mu;
  const std::string line = absl::StrFormat(format, args...) + "\n";
  const std::scoped_lock lock(mu);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

// System calls of the main thread between Begin() and End(), by the kernel's syscall user dispatch: each
// raises SIGSYS, whose handler notes it and lets it be repeated. The first of each section is seen; none in a
// build with AddressSanitizer, which makes some of its own wherever it checks something.
class SystemCallTrap {
 public:
  static bool Install() {
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__x86_64__)
    struct sigaction action {};
    action.sa_sigaction = OnSigsys;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);
    return prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0;
#else
    return false;
#endif
  }
  static void Begin() { selector = SYSCALL_DISPATCH_FILTER_BLOCK; }
  static void End() { selector = SYSCALL_DISPATCH_FILTER_ALLOW; }

  // The number of what was caught since the last time, or kNone.
  static constexpr int kNone = -1;
  static int TakeCaught() {
    const int number = caught;
    caught = kNone;
    return number;
  }

 private:
#if defined(__x86_64__)
  static void OnSigsys(int, siginfo_t* info, void* context) {
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    caught = info->si_syscall;
    constexpr int kLengthOfSyscallInstruction = 2;
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] -= kLengthOfSyscallInstruction;
  }
#endif

  // Read by the kernel and written by the handler.
  static inline volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;
  static inline volatile int caught = kNone;
};

// Durations in buckets of one width; the last holds all that are longer.
class Histogram {
 public:
  explicit Histogram(int64_t bucket_nanos) : bucket_nanos_(bucket_nanos), buckets_(10'000) {}

  void Add(int64_t nanos) {
    ++buckets_[std::min<std::size_t>(nanos / bucket_nanos_, buckets_.size() - 1)];
    ++count_;
    max_ = std::max(max_, nanos);
  }

  int64_t count() const { return count_; }
  double MaxMicros() const { return static_cast<double>(max_) / 1e3; }

  double QuantileMicros(double quantile) const {
    auto left = static_cast<int64_t>(quantile * static_cast<double>(count_));
    for (std::size_t i = 0; i + 1 < buckets_.size(); ++i) {
      left -= buckets_[i];
      if (left < 0) return static_cast<double>((i + 1) * bucket_nanos_) / 1e3;
    }
    return MaxMicros();
  }

 private:
  int64_t bucket_nanos_;
  std::vector<int64_t> buckets_;
  int64_t count_ = 0;
  int64_t max_ = 0;
};

// What one phase measured. A call is undisturbed when the scheduler took the thread from its processor
// neither in it nor in its neighbours.
struct Phase {
  explicit Phase(std::string the_name) : name(std::move(the_name)) {}

  std::string name;
  Histogram undisturbed{50};
  Histogram disturbed{50};
  Histogram step_wall{10'000};
  Histogram step_processor{10'000};
  int64_t slow_calls = 0;
  int64_t full_gets = 0;  // That returned a message; and messages:
  int64_t full_get_alls = 0;
  int64_t allocator_waits = 0;
  std::vector<int> system_calls;
};

void Report(const Phase& phase) {
  Tell(
      R"({"event": "phase", "name": "%s", "calls": %d, "p50_us": %g, "p999_us": %g, "max_us": %g, "slow_calls": %d, )"
      R"("disturbed_calls": %d, "disturbed_max_us": %g, "system_calls": [%s], "full_gets": %d, )"
      R"("full_get_alls": %d, "allocator_waits": %d, "steps": %d, "step_us": %g, )"
      R"("step_processor_us": %g})",
      phase.name, phase.undisturbed.count(), phase.undisturbed.QuantileMicros(0.5),
      phase.undisturbed.QuantileMicros(0.999), phase.undisturbed.MaxMicros(), phase.slow_calls,
      phase.disturbed.count(), phase.disturbed.MaxMicros(), absl::StrJoin(phase.system_calls, ", "),
      phase.full_gets, phase.full_get_alls, phase.allocator_waits, phase.step_wall.count(),
      phase.step_wall.QuantileMicros(0.5), phase.step_processor.QuantileMicros(0.5));
}

int64_t SwitchesOfThisThread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

class Job {
 public:
  Job(signalbox::Inbox& inbox, absl::Duration pause) : inbox_(inbox), pause_(pause) {}

  void BeginPhase(std::string name) {
    const std::scoped_lock lock(mu_);
    next_phase_ = std::move(name);
    is_phase_over_ = true;
  }

  void Stop() { is_stopping_ = true; }

  void Run() {
    while (!is_stopping_) {
      if (is_phase_over_.exchange(false)) NextPhase();
      Step();
      absl::SleepFor(pause_);
    }
    Report(phase_);
  }

 private:
  void NextPhase() {
    Report(phase_);
    const std::scoped_lock lock(mu_);
    phase_ = Phase{next_phase_};
  }

  void Step() {
    const int64_t wall = Nanos(CLOCK_MONOTONIC);
    const int64_t processor = Nanos(CLOCK_THREAD_CPUTIME_ID);
    Work();
    HotCalls();
    if (++step_ % kStepsPerDispatch == 0) inbox_.Dispatch(step_);
    if (step_ % kStepsPerCount == 0) TellCalls();
    phase_.step_processor.Add(Nanos(CLOCK_THREAD_CPUTIME_ID) - processor);
    phase_.step_wall.Add(Nanos(CLOCK_MONOTONIC) - wall);
  }

  void TellCalls() const {
    Tell(R"({"event": "calls", "phase": "%s", "count": %d})", phase_.name, phase_.undisturbed.count());
  }

  // Stands for what a job does in a step: about a millisecond.
  static void Work() {
    volatile double sum = 0;
    for (int i = 1; i < 300'000; ++i) sum = sum + 1.0 / i;
  }

  void HotCalls() {
    std::array<int64_t, kCallsPerStep> nanos{};
    const int64_t switches = SwitchesOfThisThread();
    for (int i = 0; i < kCallsPerStep; ++i) nanos[i] = i % 2 == 0 ? HotGet() : HotGetAll();
    const bool undisturbed = SwitchesOfThisThread() == switches;
    for (const int64_t call : nanos) {
      (undisturbed ? phase_.undisturbed : phase_.disturbed).Add(call);
      if (undisturbed && call > kSlowCallNanos) ++phase_.slow_calls;
    }
    if (newest_ > newest_told_) {
      newest_told_ = newest_;
      Tell(R"({"event": "seen", "sequence": %d, "time": %f})", newest_, Now());
    }
  }

  int64_t HotGet() {
    bool is_empty = true;
    const int64_t nanos = Trapped([&] { is_empty = !inbox_.Get("k").has_value(); });
    NoteCaught(SystemCallTrap::TakeCaught());
    if (!is_empty) ++phase_.full_gets;
    return nanos;
  }

  int64_t HotGetAll() {
    bool is_empty = true;
    const int64_t nanos = Trapped([&] {
      const std::vector<signalbox::ReceivedMessage> all = inbox_.GetAll();
      is_empty = all.empty();
      if (!is_empty) newest_ = all.back()->sequence;
    });
    const int number = SystemCallTrap::TakeCaught();
    if (!is_empty) ++phase_.full_get_alls;
    // The vector it returned was allocated, which may have to wait for another thread in the allocator: the
    // only system call that may be forgiven, so it is told apart.
    if (!is_empty && number == SYS_futex) {
      ++phase_.allocator_waits;
    } else {
      NoteCaught(number);
    }
    return nanos;
  }

  // How long `call` takes, which destroys what it has read.
  template <typename Call>
  static int64_t Trapped(const Call& call) {
    const int64_t began = Nanos(CLOCK_MONOTONIC);
    SystemCallTrap::Begin();
    call();
    SystemCallTrap::End();
    return Nanos(CLOCK_MONOTONIC) - began;
  }

  void NoteCaught(int number) {
    if (number != SystemCallTrap::kNone) phase_.system_calls.push_back(number);
  }

  signalbox::Inbox& inbox_;
  const absl::Duration pause_;
  Phase phase_{"start"};
  int64_t step_ = 0;
  int64_t newest_ = 0;  // The sequence of what was seen last.
  int64_t newest_told_ = 0;
  std::atomic<bool> is_stopping_ = false;
  std::atomic<bool> is_phase_over_ = false;
  std::mutex mu_;
  std::string next_phase_;
};

// Tells every change of the inbox's state until `is_over`.
void WatchState(const signalbox::Inbox& inbox, const std::atomic<bool>& is_over) {
  std::string_view told;
  while (!is_over) {
    const std::string_view state = signalbox::ToString(inbox.Status().state);
    if (state != told) Tell(R"({"event": "state", "state": "%s", "time": %f})", state, Now());
    told = state;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

int RunJob(const std::string& run, absl::Duration pause) {
  auto client = signalbox::Client::Create(signalbox::ClientOptions::FromEnvironment());
  signalbox::InboxOptions options;
  options.run = signalbox::RunRef::ById(run);
  auto inbox = client.ok() ? (*client)->OpenInbox(options) : client.status();
  if (!inbox.ok()) {
    std::cerr << inbox.status() << "\n";
    return EXIT_FAILURE;
  }
  const absl::Status registered = (*inbox)->On("k", [](const signalbox::Message& message) {
    Tell(R"({"event": "handled", "sequence": %d, "time": %f})", message.sequence, Now());
    return std::nullopt;
  });
  if (!registered.ok() || !SystemCallTrap::Install()) return EXIT_FAILURE;
  Job job(**inbox, pause);
  std::atomic<bool> is_over = false;
  std::thread watcher([&] { WatchState(**inbox, is_over); });
  std::thread commands([&] {
    for (std::string name; std::getline(std::cin, name);) job.BeginPhase(name);
    job.Stop();
  });
  job.Run();
  is_over = true;
  commands.join();
  watcher.join();
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  int pause_ms = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[2], &pause_ms)) {
    std::cerr << "usage: signalbox_chaos_job RUN PAUSE_MS\n";
    return EXIT_FAILURE;
  }
  return RunJob(argv[1], absl::Milliseconds(pause_ms));
}
