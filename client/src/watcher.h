#ifndef SIGNALBOX_SRC_WATCHER_H
#define SIGNALBOX_SRC_WATCHER_H

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "backoff.h"
#include "clock.h"
#include "inbox_wire.h"
#include "signalbox/client.h"

namespace signalbox::internal {

/// Client::Watch(): follows a run on the calling thread and tells what the stream says. Used once.
class Watcher {
 public:
  /// The server speaks every 5 s; a stream that is silent for `silence_timeout` is opened again.
  Watcher(WatchRequest request, InboxWire& wire, Clock& clock, Backoff backoff,
          absl::Duration silence_timeout = absl::Seconds(15));

  /// See Client::Watch().
  absl::Status Run(const std::function<bool(const WatchEvent*)>& on_event);

 private:
  void OpenWhenDue(Instant now);
  /// Whether to go on.
  bool Handle(WireEvent event, const std::function<bool(const WatchEvent*)>& on_event);
  bool HandleProgress(const StreamProgress& progress, const std::function<bool(const WatchEvent*)>& on_event);
  bool HandleClosed(const absl::Status& why, const std::function<bool(const WatchEvent*)>& on_event);

  WatchRequest request_;
  InboxWire& wire_;
  Clock& clock_;
  Backoff backoff_;
  const absl::Duration silence_timeout_;

  bool is_open_ = false;
  bool is_synced_ = false;
  Instant open_at_ = -Never();
  Instant heard_at_;
  absl::Status result_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_WATCHER_H
