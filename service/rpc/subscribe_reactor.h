#ifndef SIGNALBOX_SERVICE_RPC_SUBSCRIBE_REACTOR_H
#define SIGNALBOX_SERVICE_RPC_SUBSCRIBE_REACTOR_H

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service/rpc/event_bytes.h"
#include "service/rpc/service_parts.h"

namespace signalbox::service {

/// One open stream: writes one event, waits for it to be taken, writes the next.
///
///      ┌── the guard lost patience ───────▼
///   Opening ──▶ Resting ◀──▶ Writing ──▶ Finished
///                  └──────────────────────▲
///
/// One thread at a time is in charge (`is_busy_`): the one that opens, the one that was woken, or
/// gRPC's while a write is under way. Who comes meanwhile leaves a note (`is_woken_`, `is_cancelled_`).
/// While it opens, the guard may take over (`is_opening_`); the thread that opens then leaves all as it is.
/// Lives until gRPC is done with it and nobody is waking it.
class SubscribeReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                               public GuardedCall,
                               public std::enable_shared_from_this<SubscribeReactor> {
 public:
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(const ServiceParts& parts, EventBytes& event_bytes,
                                                           absl::StatusOr<SubscribeQuery> query);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void GiveUp(const absl::Status& status) override;

 private:
  SubscribeReactor(const ServiceParts& parts, EventBytes& event_bytes)
      : parts_(parts), event_bytes_(event_bytes), token_(parts.calls) {}

  // On a worker.
  void Open(const SubscribeQuery& query);
  absl::StatusOr<Cursor> FindStart(const SubscribeQuery& query) const;
  std::shared_ptr<Subscription> Register(const Cursor& start, const SubscribeQuery& query);

  bool IsAwaited();
  bool TakeOpening();
  void Wake();
  void Pump();
  bool MayRest();
  void FinishOnce(const absl::Status& status);

  const ServiceParts& parts_;
  EventBytes& event_bytes_;
  const CallCount::Token token_;
  std::shared_ptr<SubscribeReactor> self_;      // given up in OnDone
  Cursor cursor_;                               // run and epoch; set by Open()
  std::shared_ptr<Subscription> subscription_;  // set by Open()
  grpc::ByteBuffer event_;                      // being written; belongs to who is in charge

  absl::Mutex mu_;
  bool is_opening_ ABSL_GUARDED_BY(mu_) = true;
  bool is_busy_ ABSL_GUARDED_BY(mu_) = true;
  bool is_woken_ ABSL_GUARDED_BY(mu_) = false;
  bool is_cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_SUBSCRIBE_REACTOR_H
