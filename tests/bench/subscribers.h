#ifndef SIGNALBOX_TESTS_BENCH_SUBSCRIBERS_H
#define SIGNALBOX_TESTS_BENCH_SUBSCRIBERS_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace signalbox::bench {

/// What all streams of a crowd count together.
struct CrowdCounts {
  std::atomic<int64_t> open{0};      ///< Streams that have got everything there was.
  std::atomic<int64_t> messages{0};  ///< Received since, by all of them.
  std::atomic<int64_t> ended{0};     ///< Streams that ended, whoever ended them.
};

/// An open stream with a connection of its own.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  virtual void Cancel() = 0;  ///< Its end is counted.
};

using MakeSubscriber = std::function<std::unique_ptr<Subscriber>(int number, CrowdCounts& counts)>;

/// Follows a run of Signalbox as the protocol has it, without the client library.
MakeSubscriber SubscribeTo(const std::string& address, std::function<std::string(int)> run_of);

/// Listens to the echo server.
MakeSubscriber ListenTo(const std::string& address);

/// Open streams; their number can grow. Every wait has a limit, kDeadlineExceeded.
class Crowd {
 public:
  Crowd() = default;
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Opens so many, a few at a time, and shows progress on stderr.
  absl::Status Open(int count, const MakeSubscriber& make);

  /// Waits until so many messages were received.
  absl::Status AwaitMessages(int64_t count);

  const CrowdCounts& counts() const { return counts_; }

 private:
  CrowdCounts counts_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_SUBSCRIBERS_H
