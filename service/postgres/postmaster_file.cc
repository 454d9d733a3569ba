#include "service/postgres/postmaster_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace signalbox::service {
namespace {

// Lines of the file: process id first, state eighth.
constexpr std::size_t kPidLine = 0;
constexpr std::size_t kStateLine = 7;

std::string PathOf(const std::string& cluster) { return cluster + "/postmaster.pid"; }

// A server's working directory is its cluster.
bool IsServerOf(pid_t pid, const std::string& cluster) {
  const std::string process = absl::StrCat("/proc/", pid);
  std::ifstream file(process + "/comm");
  std::string name;
  struct stat here {};
  struct stat there {};
  return std::getline(file, name) && absl::StartsWith(name, "postgres") &&
         stat((process + "/cwd").c_str(), &there) == 0 && stat(cluster.c_str(), &here) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

}  // namespace

std::optional<PostmasterFile> ReadPostmasterFile(const std::string& cluster) {
  std::ifstream file(PathOf(cluster));
  std::vector<std::string> lines;
  for (std::string line; lines.size() <= kStateLine && std::getline(file, line);) lines.push_back(line);
  PostmasterFile content;
  if (lines.size() <= kPidLine || !absl::SimpleAtoi(lines[kPidLine], &content.pid)) return std::nullopt;
  content.accepts_connections =
      lines.size() > kStateLine && absl::StripAsciiWhitespace(lines[kStateLine]) == "ready";
  return content;
}

bool FormerServerRuns(const std::string& cluster) {
  const std::optional<PostmasterFile> former = ReadPostmasterFile(cluster);
  if (former.has_value() && IsServerOf(former->pid, cluster)) return true;
  unlink(PathOf(cluster).c_str());
  return false;
}

}  // namespace signalbox::service
