#ifndef SIGNALBOX_SERVICE_DOMAIN_MESSAGE_H
#define SIGNALBOX_SERVICE_DOMAIN_MESSAGE_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "service/domain/message_id.h"

namespace signalbox::service {

// The numbers are those of the protocol and of the database.
enum class Kind { kUnspecified = 0, kCommand = 1, kSetting = 2 };

// PENDING → ACKED → APPLIED | FAILED, or PENDING → any other. Nothing leaves a final state.
enum class MessageState {
  kUnspecified = 0,
  kPending = 1,
  kAcked = 2,
  kApplied = 3,
  kFailed = 4,
  kSuperseded = 5,
  kCancelled = 6,
  kExpired = 7,
  kUndelivered = 8,
};

enum class AckOutcome { kUnspecified = 0, kApplied = 1, kFailed = 2 };

inline bool IsFinal(MessageState state) {
  return state != MessageState::kPending && state != MessageState::kAcked;
}

/// Names one run: by `id`, or, when that is empty, by project and rank. Valid by construction: made
/// only by the request parser.
struct RunRef {
  std::string id;
  std::string project;
  int64_t rank = 0;
};

/// A stored message. `value` and `reply` are serialized google.protobuf.Value, which nothing but
/// the wire conversion looks into. Times that have not come are absl::InfiniteFuture().
struct Message {
  MessageId id;
  std::string run_id;
  std::string key;
  std::string value;
  Kind kind = Kind::kCommand;
  MessageState state = MessageState::kPending;
  std::string publisher;
  std::string reason;
  absl::Time create_time = absl::InfiniteFuture();
  absl::Time expire_time = absl::InfiniteFuture();
  std::string consumer;
  absl::Time ack_time = absl::InfiniteFuture();
  absl::Time finish_time = absl::InfiniteFuture();
  std::optional<std::string> reply;
  std::string error;
  int64_t step = 0;
  int64_t change = 0;  ///< Place among the withdrawals of its run; 0 while pending.
};

/// A message as a publisher asks for it.
struct NewMessage {
  RunRef run;
  std::string key;
  std::string value;
  Kind kind = Kind::kUnspecified;
  std::string request_id;   ///< Empty: not repeatable.
  std::string fingerprint;  ///< Of everything the request said, when there is a request_id.
  absl::Duration ttl = absl::InfiniteDuration();
  std::string reason;
  std::string publisher;
};

/// One call that claims or settles messages.
struct AckCall {
  std::vector<MessageId> ids;  ///< No doubles.
  std::string consumer;
  AckOutcome outcome = AckOutcome::kUnspecified;
  std::optional<std::string> reply;
  std::string error;
  int64_t step = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_MESSAGE_H
