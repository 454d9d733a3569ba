#ifndef SIGNALBOX_CONNECTION_STATE_H
#define SIGNALBOX_CONNECTION_STATE_H

#include <string_view>

namespace signalbox {

/// How an inbox learns of messages right now.
///
///   kConnecting  no answer of any kind yet
///   kStreaming   the stream is open, synced and was heard of lately; nothing is polled
///   kPolling     the stream is not healthy; the inbox refreshes by GetAll
///   kStale       neither works, or the server says it cannot reach its database; what the inbox
///                holds may be old
///   kEnded       the run ended; nothing more will come
///   kClosed      the inbox was closed, or this is a forked child that did not reopen it
enum class ConnectionState { kConnecting, kStreaming, kPolling, kStale, kEnded, kClosed };

/// "CONNECTING", "STREAMING", …
std::string_view ToString(ConnectionState state);

}  // namespace signalbox

#endif  // SIGNALBOX_CONNECTION_STATE_H
