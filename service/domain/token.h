#ifndef SIGNALBOX_SERVICE_DOMAIN_TOKEN_H
#define SIGNALBOX_SERVICE_DOMAIN_TOKEN_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace signalbox::service {

/// A place in the life of one run: everything up to message `sequence` and up to withdrawal `change`
/// was seen. Both count from 1 in commit order.
struct Position {
  int64_t sequence = 0;
  int64_t change = 0;

  /// The nonce of the message at `sequence`, 0 when it is not known: whether this is still the history
  /// the position was taken from, even if a restore left the epoch as it was.
  int64_t mark = 0;

  /// Goes to `to`, which is not before this.
  void Advance(const Position& to) {
    if (to.mark != 0 || to.sequence != sequence) mark = to.mark;
    sequence = to.sequence;
    change = to.change;
  }

  /// Whether both are the same place; the mark only tells of which history.
  friend bool operator==(const Position& a, const Position& b) {
    return a.sequence == b.sequence && a.change == b.change;
  }
};

/// A position that the outside keeps for us. `epoch` names the history it belongs to: it changes
/// when a standby is promoted or another database is put in place.
struct Cursor {
  int64_t epoch = 0;
  int64_t run_no = 0;
  Position position;
};

/// Where a list goes on. `query` is a fingerprint of everything that selects rows, so that a token
/// cannot be used with another query. What the numbers mean is the list's own business.
struct PageToken {
  uint64_t query = 0;
  int64_t run_no = 0;  ///< Of which run the list is; a list of runs has none.
  int64_t after = 0;
  Position first_page;  ///< GetAll: the position at the first page.
  int64_t epoch = 0;    ///< GetAll: of `first_page`.
};

// Both are opaque, URL-safe and carry a checksum: what was not made here does not decode. The
// checksum detects garbage, it is no protection against somebody who means harm; a forged cursor
// reaches nothing but other positions of the same run.
std::string Encode(const Cursor& cursor);
std::optional<Cursor> DecodeCursor(std::string_view text);
std::string Encode(const PageToken& token);
std::optional<PageToken> DecodePageToken(std::string_view text);

/// A hash that is the same in every process and version (FNV-1a, 64 bits).
uint64_t StableHash(std::string_view bytes);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_TOKEN_H
