#ifndef SIGNALBOX_OPTIONS_H
#define SIGNALBOX_OPTIONS_H

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signalbox/run.h"

namespace signalbox {

/// How to reach a server. Order of precedence: a field set in code, environment, default.
struct ClientOptions {
  /// host:port, or any target that gRPC's resolvers know.
  std::string address = "localhost:50051";

  /// Bearer token, or a file that holds one and is read again for every connection. At most one of
  /// the two. A token is only ever sent over TLS or to loopback.
  std::string token;
  std::string token_file;

  /// PEM files. With `ca_file` the connection uses TLS; certificate and key authenticate the client.
  std::string ca_file;
  std::string cert_file;
  std::string key_file;

  /// Deadline of a plain call, its retries included.
  absl::Duration call_timeout = absl::Seconds(10);

  /// Reads SIGNALBOX_ADDRESS, SIGNALBOX_TOKEN, SIGNALBOX_TOKEN_FILE, SIGNALBOX_CA_FILE,
  /// SIGNALBOX_CERT_FILE and SIGNALBOX_KEY_FILE; an unset or empty variable leaves the default.
  static ClientOptions FromEnvironment();

  /// kInvalidArgument names the field that is wrong.
  absl::Status Validate() const;
};

/// Reads SIGNALBOX_RUN (an id, or a rank when SIGNALBOX_PROJECT is set and it is a number).
/// kFailedPrecondition names the variable that is missing.
absl::StatusOr<RunRef> RunFromEnvironment();

/// How an inbox behaves.
struct InboxOptions {
  /// The run to listen for; unset fields mean RunFromEnvironment().
  RunRef run;

  /// Only messages of these keys; empty means all.
  std::vector<std::string> keys;

  /// Name of this process towards the server; empty means host:pid:random.
  std::string consumer;

  /// False: no connection, no thread and no run. Such an inbox holds only handlers, for the processes of a
  /// group that process 0 listens for; see Inbox::Dispatch(step, group).
  bool listen = true;

  /// While the stream is not healthy: time between refreshes, spread by ±12 %.
  absl::Duration refresh_interval = absl::Seconds(5);

  /// A stream that says nothing for this long counts as dead. The server speaks every 5 s.
  absl::Duration silence_timeout = absl::Seconds(15);

  /// Wait from one opening of the stream to the next: from the first to the second, doubling, full jitter.
  /// What is left of it when the stream ends is never less than a wait of up to twice the first.
  absl::Duration min_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(5);

  /// Acks that may wait for the server at a time; beyond that Ack() fails with kResourceExhausted
  /// and the message stays in the inbox.
  std::size_t max_outstanding_acks = 10000;

  /// kInvalidArgument names the field that is wrong.
  absl::Status Validate() const;
};

}  // namespace signalbox

#endif  // SIGNALBOX_OPTIONS_H
