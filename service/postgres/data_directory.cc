#include "service/postgres/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace signalbox::service {
namespace {

namespace fs = std::filesystem;

constexpr char kLockName[] = "lock";
constexpr char kLockText[] = "This directory belongs to signalboxd.\n";

absl::Status Refused(const std::string& path, absl::string_view reason) {
  return absl::FailedPreconditionError(absl::StrCat("data directory ", path, ": ", reason));
}

absl::StatusOr<std::string> MakeDirectory(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (!error) fs::create_directories(absolute.parent_path(), error);
  if (error) return Refused(path, error.message());
  if (mkdir(absolute.c_str(), 0700) != 0 && errno != EEXIST) return Refused(path, strerror(errno));
  const fs::path real = fs::canonical(absolute, error);
  if (!error && !fs::is_directory(real, error)) return Refused(path, "not a directory");
  if (error) return Refused(path, error.message());
  return real.string();
}

bool HasLockText(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return absl::StartsWith(text.str(), kLockText);
}

// Ours, or empty: lost+found is in the root of a volume, an empty lock is what a server leaves that was
// killed right after its very first step.
absl::Status CheckContent(const std::string& path) {
  std::error_code error;
  if (HasLockText(fs::path(path) / kLockName)) return absl::OkStatus();
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name == "lost+found") continue;
    if (name == kLockName && entry->is_regular_file(error) && entry->file_size(error) == 0) continue;
    return Refused(path, "it is not empty and was not made by signalboxd; name an empty or a new one");
  }
  if (error) return Refused(path, error.message());
  return absl::OkStatus();
}

// A server killed a moment ago may still hold its lock.
bool LockWithin(int file, absl::Duration limit) {
  constexpr absl::Duration kStep = absl::Milliseconds(20);
  for (absl::Duration waited; waited < limit; waited += kStep) {
    if (flock(file, LOCK_EX | LOCK_NB) == 0) return true;
    absl::SleepFor(kStep);
  }
  return false;
}

}  // namespace

absl::StatusOr<DataDirectory> DataDirectory::Open(const std::string& path) {
  absl::StatusOr<std::string> real = MakeDirectory(path);
  if (!real.ok()) return real.status();
  if (absl::Status content = CheckContent(*real); !content.ok()) return content;

  const std::string name = absl::StrCat(*real, "/", kLockName);
  FileDescriptor lock(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.IsOpen()) return Refused(*real, strerror(errno));
  if (!LockWithin(lock.get(), absl::Seconds(1))) {
    return Refused(*real, "another signalboxd is using it; stop that one or name another directory");
  }
  if (!HasLockText(name) && pwrite(lock.get(), kLockText, sizeof(kLockText) - 1, 0) < 0) {
    return Refused(*real, strerror(errno));
  }
  return DataDirectory(*std::move(real), std::move(lock));
}

}  // namespace signalbox::service
