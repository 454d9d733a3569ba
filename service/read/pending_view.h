#ifndef SIGNALBOX_SERVICE_READ_PENDING_VIEW_H
#define SIGNALBOX_SERVICE_READ_PENDING_VIEW_H

#include <string>

#include "absl/time/time.h"
#include "service/domain/message_log.h"

namespace signalbox::service {

/// A whole snapshot, seen at an instant: what has expired by then is not in it. The functions answer as
/// the calls of MessageLog of the same names do. Pure.
struct PendingView {
  PendingSnapshotPtr snapshot;
  absl::Time now;
};

PendingOfKey ReadPending(const PendingView& view, const std::string& key);

/// `query.run` is not looked at: it is the snapshot's.
PendingPage ListPending(const PendingView& view, const PendingQuery& query);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_READ_PENDING_VIEW_H
