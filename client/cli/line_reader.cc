#include "cli/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace signalbox::cli {
namespace {

constexpr std::size_t kChunk = 64 << 10;

}  // namespace

absl::StatusOr<std::optional<Line>> LineReader::Next() {
  while (true) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (end != std::string::npos) return TakeLine(end);
    searched_ = buffer_.size();
    if (searched_ - start_ > kMaxLineBytes) {
      skipping_ = true;
      start_ = searched_;
    }
    if (at_end_) {
      if (start_ == buffer_.size() && !skipping_) return std::nullopt;
      return TakeLine(buffer_.size());
    }
    if (absl::Status status = Fill(); !status.ok()) return status;
  }
}

bool LineReader::WouldWait() const {
  if (at_end_ || buffer_.find('\n', searched_) != std::string::npos) return false;
  pollfd waiting = {.fd = descriptor_, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, 0) == 0;
}

absl::Status LineReader::Fill() {
  buffer_.erase(0, start_);
  searched_ -= start_;
  start_ = 0;
  const std::size_t have = buffer_.size();
  buffer_.resize(have + kChunk);
  ssize_t got = 0;
  do {
    got = read(descriptor_, buffer_.data() + have, kChunk);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(have + (got > 0 ? static_cast<std::size_t>(got) : 0));
  if (got < 0) return absl::InvalidArgumentError(absl::StrCat("cannot read: ", std::strerror(errno)));
  at_end_ = got == 0;
  return absl::OkStatus();
}

Line LineReader::TakeLine(std::size_t end) {
  Line line;
  line.number = ++number_;
  line.too_long = skipping_ || end - start_ > kMaxLineBytes;
  if (!line.too_long) line.text = buffer_.substr(start_, end - start_);
  skipping_ = false;
  start_ = searched_ = end < buffer_.size() ? end + 1 : end;
  return line;
}

}  // namespace signalbox::cli
