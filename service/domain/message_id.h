#ifndef SIGNALBOX_SERVICE_DOMAIN_MESSAGE_ID_H
#define SIGNALBOX_SERVICE_DOMAIN_MESSAGE_ID_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace signalbox::service {

/// Where a message is stored, and a random number that makes its id unique for ever: after a
/// failover that lost the newest messages, their sequences are given out again, the ids are not.
struct MessageId {
  int64_t run_no = 0;    ///< Internal number of the run.
  int64_t sequence = 0;  ///< Place in the run, from 1.
  int64_t nonce = 0;     ///< 0 .. kMaxNonce.

  static constexpr int64_t kMaxNonce = (int64_t{1} << 40) - 1;

  friend bool operator==(const MessageId&, const MessageId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const MessageId& id) {
    return H::combine(std::move(h), id.run_no, id.sequence, id.nonce);
  }
};

/// The id as the world sees it: "m" and lower-case base-32 characters, safe in a shell and in a URL.
std::string Encode(const MessageId& id);

/// Nothing when `text` is not what Encode() makes.
std::optional<MessageId> DecodeMessageId(std::string_view text);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_MESSAGE_ID_H
