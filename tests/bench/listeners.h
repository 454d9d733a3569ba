#ifndef SIGNALBOX_TESTS_BENCH_LISTENERS_H
#define SIGNALBOX_TESTS_BENCH_LISTENERS_H

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <list>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "echo.grpc.pb.h"

namespace signalbox::bench {

/// The open streams of the echo server. Thread-safe. A stream takes one note at a time: the next is sent when
/// the client has the last. Streams end before this does.
class Listeners {
 public:
  /// Belongs to gRPC.
  grpc::ServerWriteReactor<Note>* Open();

  /// Sends the note to all; how many they are.
  int Send(const Note& note);

  /// An empty note to every stream that has got none for so many nanoseconds.
  void SendHeartbeats(int64_t interval);

 private:
  class Listener;

  absl::Mutex mu_;
  std::list<Listener*> all_ ABSL_GUARDED_BY(mu_);  // with heartbeats only: those that wait longest first
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_LISTENERS_H
