#ifndef SIGNALBOX_CLI_LINE_READER_H
#define SIGNALBOX_CLI_LINE_READER_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace signalbox::cli {

/// One line of a file, without its end.
struct Line {
  int64_t number = 0;     ///< Counted from 1.
  std::string text;       ///< Empty when it is too long.
  bool too_long = false;  ///< Above kMaxLineBytes.
};

/// Of no use to anybody: a request is at most as large.
constexpr std::size_t kMaxLineBytes = 1 << 20;

/// Reads lines as they come, from a file or from somebody who is still writing. Not thread-safe.
class LineReader {
 public:
  /// `descriptor` must stay open.
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  /// The next line, for which it waits; nothing at the end. A last line needs no newline.
  /// kInvalidArgument: it cannot be read.
  absl::StatusOr<std::optional<Line>> Next();

  /// Whether the next line is not there yet.
  bool WouldWait() const;

 private:
  absl::Status Fill();
  Line TakeLine(std::size_t end);

  const int descriptor_;
  std::string buffer_;  // from start_ on it is not taken yet
  std::size_t start_ = 0;
  std::size_t searched_ = 0;  // there is no newline between start_ and here
  int64_t number_ = 0;
  bool skipping_ = false;  // the line under way is too long
  bool at_end_ = false;
};

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_LINE_READER_H
