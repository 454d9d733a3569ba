#include "service/postgres/postgres_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace signalbox::service {
namespace {

constexpr off_t kMaxBytes = off_t{16} << 20;
constexpr off_t kTailBytes = off_t{8} << 10;

// The reason in a line such as "2026-05-01 … [12] FATAL:  out of memory" or "initdb: error: …".
absl::string_view FailureIn(absl::string_view line) {
  for (const absl::string_view mark : {"FATAL: ", "PANIC: ", "error: "}) {
    const std::size_t found = line.find(mark);
    if (found != absl::string_view::npos) return absl::StripAsciiWhitespace(line.substr(found + mark.size()));
  }
  for (const absl::string_view program : {"initdb: ", "postgres: "}) {
    const bool is_aside = absl::StrContains(line, ": hint: ") || absl::StrContains(line, ": warning: ") ||
                          absl::StrContains(line, ": detail: ");
    if (absl::StartsWith(line, program) && !is_aside) return line.substr(program.size());
  }
  return "";
}

}  // namespace

absl::StatusOr<PostgresLog> PostgresLog::Open(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && status.st_size > kMaxBytes) {
    std::rename(path.c_str(), (path + ".1").c_str());
  }
  FileDescriptor file(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.IsOpen()) {
    return absl::FailedPreconditionError(absl::StrCat("cannot write ", path, ": ", strerror(errno)));
  }
  return PostgresLog(path, std::move(file));
}

off_t PostgresLog::End() const {
  struct stat status {};
  return fstat(file_.get(), &status) == 0 ? status.st_size : 0;
}

std::string PostgresLog::LastFailureAfter(off_t position) const {
  const off_t end = End();
  const off_t begin = std::max(position, end - kTailBytes);
  if (begin >= end) return "";
  std::string tail(static_cast<std::size_t>(end - begin), '\0');
  const ssize_t count = pread(file_.get(), tail.data(), tail.size(), begin);
  tail.resize(count > 0 ? static_cast<std::size_t>(count) : 0);

  std::string last;
  for (const absl::string_view line : absl::StrSplit(tail, '\n')) {
    if (const absl::string_view failure = FailureIn(line); !failure.empty()) last = std::string(failure);
  }
  return last;
}

}  // namespace signalbox::service
