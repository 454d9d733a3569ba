#ifndef SIGNALBOX_SERVICE_RPC_EVENT_BYTES_H
#define SIGNALBOX_SERVICE_RPC_EVENT_BYTES_H

#include <grpcpp/support/byte_buffer.h>

#include <array>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/domain/token.h"
#include "service/feed/subscriber.h"

namespace signalbox::service {

/// The events of streams as bytes of a SubscribeResponse. A message is the same on every stream, so what many
/// subscribers of a run are told one after the other is made once, and its bytes are shared. Keeps the last
/// few messages alive. Thread-safe.
class EventBytes {
 public:
  /// `cursor` gives the run and the epoch of a progress.
  grpc::ByteBuffer Of(const FeedEvent& event, const Cursor& cursor, absl::Time now);

 private:
  struct Kept {
    absl::Mutex mu;
    MessagePtr message ABSL_GUARDED_BY(mu);
    grpc::ByteBuffer bytes ABSL_GUARDED_BY(mu);
  };

  std::array<Kept, 16> kept_;  // by run: several runs may be told at once
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_EVENT_BYTES_H
