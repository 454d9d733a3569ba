// A program that uses the client and ends: `signalbox_chaos_exits RUN HOW [fork]`, with the server in
// SIGNALBOX_ADDRESS. Tells on standard output by CLOCK_MONOTONIC when it begins to end. With `fork`, a child
// that was forked with an open inbox ends so, after it has seen that nothing of it works there, and the
// parent by _exit() with what became of the child.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "signalbox/client.h"

namespace {

constexpr int kNotInert = 99;

struct Opened {
  std::unique_ptr<signalbox::Client> client;
  std::unique_ptr<signalbox::Inbox> inbox;
};

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::cerr << result.status() << "\n";
  std::_Exit(EXIT_FAILURE);
}

// A client and an inbox whose threads are at work, whether anybody answers or not.
Opened Open(const std::string& run) {
  Opened opened;
  opened.client = OrDie(signalbox::Client::Create(signalbox::ClientOptions::FromEnvironment()));
  signalbox::InboxOptions options;
  options.run = signalbox::RunRef::ById(run);
  opened.inbox = OrDie(opened.client->OpenInbox(options));
  static_cast<void>(opened.inbox->On("k", [](const signalbox::Message&) { return std::nullopt; }));
  static_cast<void>(opened.client->GetRun(options.run, absl::Milliseconds(300)));
  return opened;
}

void TellThatItEnds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  std::printf("%ld.%09ld\n", now.tv_sec, now.tv_nsec);
  std::fflush(stdout);
}

bool IsInert(const Opened& opened, const std::string& run) {
  return opened.inbox->Status().state == signalbox::ConnectionState::kClosed &&
         opened.inbox->GetAll().empty() && opened.inbox->Dispatch(1) == 0 &&
         !opened.inbox->WaitNewer(0, absl::Minutes(1)) &&
         absl::IsFailedPrecondition(
             opened.client->GetRun(signalbox::RunRef::ById(run), absl::Minutes(1)).status());
}

bool can_start_threads = true;

// Calls that nothing but the end of the process ends. The client must outlive them, so nobody destroys it.
void CallFromOtherThreads(Opened& opened, const std::string& run) {
  if (!can_start_threads) return;
  signalbox::Client& client = *opened.client.release();
  signalbox::Inbox& inbox = *opened.inbox.release();
  const auto forever = [](const std::function<void()>& call) {
    std::thread([call] {
      while (true) call();
    }).detach();
  };
  forever([&client] { static_cast<void>(client.Await("m1", absl::InfiniteDuration())); });
  signalbox::PublishRequest request;
  request.run = signalbox::RunRef::ById(run);
  request.key = "k";
  forever([&client, request] { static_cast<void>(client.Publish(request, absl::InfiniteDuration())); });
  forever([&inbox] { static_cast<void>(inbox.WaitNewer(int64_t{1} << 60, absl::InfiniteDuration())); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // So that most of them wait already.
}

// The ways to end. What returns here makes main() return with the status.
int End(const std::string& how, Opened opened, const std::string& run) {
  static Opened kept_for_static_destruction;
  const std::map<std::string, std::function<int()>> ways = {
      {"return", [] { return 5; }},
      {"exit", []() -> int { std::exit(6); }},
      {"_exit", []() -> int { _exit(7); }},
      {"exception", []() -> int { throw std::runtime_error("nobody catches this"); }},
      {"SIGINT", [] { return std::raise(SIGINT); }},
      {"SIGTERM", [] { return std::raise(SIGTERM); }},
      {"abort", []() -> int { std::abort(); }},
      {"static",
       [&opened] {
         kept_for_static_destruction = std::move(opened);
         return 8;
       }},
      {"closed",
       [&opened] {
         opened.inbox->Close();
         return 9;
       }},
      {"threads-return",
       [&opened, &run] {
         CallFromOtherThreads(opened, run);
         TellThatItEnds();
         return 10;
       }},
      {"threads-exit",
       [&opened, &run]() -> int {
         CallFromOtherThreads(opened, run);
         TellThatItEnds();
         std::exit(11);
       }},
  };
  TellThatItEnds();
  return ways.at(how)();
}

int EndInChild(const std::string& how, Opened opened, const std::string& run) {
  const pid_t child = fork();
  if (child == 0) {
#if defined(_GLIBCXX_TSAN)
    can_start_threads = false;  // ThreadSanitizer ends a forked process that does.
#endif
    if (!IsInert(opened, run)) _exit(kNotInert);
    return End(how, std::move(opened), run);
  }
  int status = 0;
  waitpid(child, &status, 0);
  // Nothing of the parent's has been touched.
  const bool is_open = opened.inbox->Status().state != signalbox::ConnectionState::kClosed;
  static_cast<void>(opened.client->GetRun(signalbox::RunRef::ById(run), absl::Milliseconds(300)));
  _exit(!is_open ? kNotInert : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return EXIT_FAILURE;
  std::signal(SIGINT, SIG_DFL);  // Whoever starts the tests in the background has it ignored.
  Opened opened = Open(argv[1]);
  return argc > 3 ? EndInChild(argv[2], std::move(opened), argv[1])
                  : End(argv[2], std::move(opened), argv[1]);
}
