#ifndef SIGNALBOX_MESSAGE_H
#define SIGNALBOX_MESSAGE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "signalbox/value.h"

namespace signalbox {

/// Whether every message of a key counts (kCommand), or only the newest (kSetting).
/// kUnspecified: what the run declared for the key, else kCommand.
enum class Kind { kUnspecified, kCommand, kSetting };

/// Life of a message: kPending → kAcked → kApplied | kFailed, or kPending → any of the others.
/// Nothing leaves a final state, which is every state but kPending and kAcked.
enum class MessageState {
  kUnspecified,
  kPending,
  kAcked,
  kApplied,
  kFailed,
  kSuperseded,
  kCancelled,
  kExpired,
  kUndelivered,
};

/// What a consumer made of a message; kUnspecified: it only claims it.
enum class AckOutcome { kUnspecified, kApplied, kFailed };

/// Names as people and the command line write them: "SETTING", "PENDING", …
std::string_view ToString(Kind kind);
std::string_view ToString(MessageState state);

/// Whether nothing can change the state any more.
bool IsFinal(MessageState state);

/// A key and a value addressed to one run, and what became of them. Plain data.
/// Times that have not come are absl::InfiniteFuture().
struct Message {
  std::string id;        ///< Opaque, unique for ever, safe in a shell and in a URL.
  std::string run_id;    ///< The run it is addressed to.
  int64_t sequence = 0;  ///< Place in the run: 1, 2, 3, … without a gap, in commit order.
  std::string key;
  Value value;
  Kind kind = Kind::kUnspecified;
  MessageState state = MessageState::kUnspecified;
  std::string publisher;  ///< The authenticated caller; empty without authentication.
  std::string reason;     ///< Why it was published, for people.
  absl::Time create_time = absl::InfiniteFuture();
  absl::Time expire_time = absl::InfiniteFuture();
  std::string consumer;  ///< Who claimed it; empty when nobody did.
  absl::Time ack_time = absl::InfiniteFuture();
  absl::Time finish_time = absl::InfiniteFuture();
  std::optional<Value> reply;  ///< What the consumer answered.
  std::string error;           ///< Why it failed, or why it was cancelled.
  int64_t step = 0;            ///< The training step at which it was applied; 0 when not told.
};

/// How a consumer settles a message. `reply`, `error` and `step` need an `outcome`.
struct Ack {
  AckOutcome outcome = AckOutcome::kUnspecified;
  std::optional<Value> reply;  ///< At most 16 KiB serialized.
  std::string error;           ///< At most 1 KiB.
  int64_t step = 0;            ///< Not negative.
};

}  // namespace signalbox

#endif  // SIGNALBOX_MESSAGE_H
