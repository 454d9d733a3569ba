#include "tests/bench/process.h"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unordered_map>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace signalbox::bench {

namespace {

// The fields of /proc/PID/stat from the third on, because the second, a name, may hold blanks; none when
// there is no such process.
std::vector<std::string> StatFields(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream after(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(after), {}};
}

std::unordered_multimap<pid_t, pid_t> Children() {
  std::unordered_multimap<pid_t, pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    pid_t parent = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    const std::vector<std::string> fields = StatFields(pid);
    if (!fields.empty() && absl::SimpleAtoi(fields.at(1), &parent)) children.emplace(parent, pid);
  }
  return children;
}

}  // namespace

double CpuSeconds(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  if (fields.empty()) return 0;
  return (std::stod(fields.at(11)) + std::stod(fields.at(12))) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double DescendantsCpuSeconds(pid_t pid) {
  const std::unordered_multimap<pid_t, pid_t> children = Children();
  double seconds = 0;
  std::vector<pid_t> parents = {pid};
  while (!parents.empty()) {
    const auto [begin, end] = children.equal_range(parents.back());
    parents.pop_back();
    for (auto child = begin; child != end; ++child) {
      seconds += CpuSeconds(child->second);
      parents.push_back(child->second);
    }
  }
  return seconds;
}

double OwnCpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

double StatusNumber(pid_t pid, const std::string& name) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1));
  }
  return 0;
}

}  // namespace signalbox::bench
