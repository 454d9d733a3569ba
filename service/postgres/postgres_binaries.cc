#include "service/postgres/postgres_binaries.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "service/postgres/file_descriptor.h"

namespace signalbox::service {
namespace {

constexpr char kDebianDirectory[] = "/usr/lib/postgresql";

bool HasPrograms(const std::string& directory) {
  return access((directory + "/postgres").c_str(), X_OK) == 0 &&
         access((directory + "/initdb").c_str(), X_OK) == 0;
}

// Debian keeps one directory a major version. Newest first.
std::vector<std::pair<int, std::string>> DebianInstallations() {
  std::vector<std::pair<int, std::string>> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(kDebianDirectory, ignored)) {
    int version = 0;
    const std::string directory = entry.path() / "bin";
    if (absl::SimpleAtoi(entry.path().filename().string(), &version) && HasPrograms(directory)) {
      found.emplace_back(version, directory);
    }
  }
  std::ranges::sort(found, std::greater<>());
  return found;
}

// The version is left 0 where no path tells it.
PostgresBinaries Installed(std::optional<int> cluster_version) {
  const std::vector<std::pair<int, std::string>> installed = DebianInstallations();
  for (const auto& [version, directory] : installed) {
    if (version == cluster_version) return {directory, version};
  }
  if (!installed.empty()) return {installed.front().second, installed.front().first};
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  const std::vector<std::string> directories =
      absl::StrSplit(path != nullptr ? path : "", ':', absl::SkipEmpty());
  for (const std::string& directory : directories) {
    if (HasPrograms(directory)) return {directory};
  }
  return {};
}

// "postgres (PostgreSQL) 15.4 (Debian …)" → 15
std::optional<int> MajorVersionIn(absl::string_view text) {
  const std::size_t mark = text.find("(PostgreSQL) ");
  if (mark == absl::string_view::npos) return std::nullopt;
  absl::string_view version = text.substr(mark + 13);
  version = version.substr(0, version.find_first_not_of("0123456789"));
  int major = 0;
  if (!absl::SimpleAtoi(version, &major)) return std::nullopt;
  return major;
}

absl::StatusOr<std::string> OutputOf(ChildProgram program) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return absl::InternalError("no pipe");
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  program.output = writer.get();
  const absl::StatusOr<pid_t> child = SpawnChild(program);
  if (!child.ok()) return child.status();
  writer.Close();
  const absl::StatusOr<int> ended = AwaitChild(*child, absl::Seconds(10), [](absl::Duration wait) {
    absl::SleepFor(wait);
    return true;
  });
  if (!ended.ok()) return ended.status();
  std::string output(512, '\0');
  const ssize_t count = read(reader.get(), output.data(), output.size());
  output.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return output;
}

absl::StatusOr<int> AskForVersion(const PostgresBinaries& binaries) {
  const absl::StatusOr<std::string> answer = OutputOf(binaries.Program("postgres", {"--version"}));
  if (!answer.ok()) return answer.status();
  const std::optional<int> version = MajorVersionIn(*answer);
  if (version.has_value()) return *version;
  return absl::FailedPreconditionError(
      absl::StrCat(binaries.directory, "/postgres --version does not tell a version of Postgres"));
}

absl::Status Missing(const std::string& bin_dir) {
  if (!bin_dir.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("--postgres-bin-dir: no initdb and postgres to be run in ", bin_dir));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("no Postgres found in ", kDebianDirectory,
                   "/*/bin and PATH; install the package postgresql, give --postgres-bin-dir, or use a "
                   "Postgres that runs with --database-url"));
}

}  // namespace

ChildProgram PostgresBinaries::Program(const std::string& name, std::vector<std::string> arguments) const {
  ChildProgram program;
  program.arguments.push_back(absl::StrCat(directory, "/", name));
  for (std::string& argument : arguments) program.arguments.push_back(std::move(argument));
  // Without the bounds, a session gives memory back to the kernel after every statement, and asks for it
  // again in the next: a tenth of its processor time. See mallopt(3).
  program.environment = {"LC_ALL=C", "MALLOC_TOP_PAD_=1048576", "MALLOC_TRIM_THRESHOLD_=8388608"};
  for (const char* variable : {"PATH", "TZ", "LD_LIBRARY_PATH"}) {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nothing sets them
    if (value != nullptr) program.environment.push_back(absl::StrCat(variable, "=", value));
  }
  return program;
}

std::optional<int> MajorVersionOfCluster(const std::string& cluster) {
  std::ifstream file(cluster + "/PG_VERSION");
  int version = 0;
  if (!(file >> version)) return std::nullopt;
  return version;
}

absl::StatusOr<PostgresBinaries> FindPostgres(const std::string& bin_dir, const std::string& cluster) {
  const std::optional<int> cluster_version = MajorVersionOfCluster(cluster);
  PostgresBinaries binaries =
      bin_dir.empty() ? Installed(cluster_version)
                      : PostgresBinaries{std::filesystem::absolute(bin_dir).lexically_normal().string()};
  if (binaries.directory.empty() || !HasPrograms(binaries.directory)) return Missing(bin_dir);
  if (binaries.major_version == 0) {
    const absl::StatusOr<int> version = AskForVersion(binaries);
    if (!version.ok()) return version.status();
    binaries.major_version = *version;
  }
  if (cluster_version.has_value() && *cluster_version != binaries.major_version) {
    return absl::FailedPreconditionError(
        absl::StrCat(cluster, " was made by Postgres ", *cluster_version, ", but ", binaries.directory,
                     " is Postgres ", binaries.major_version, "; install Postgres ", *cluster_version,
                     " or name it with --postgres-bin-dir"));
  }
  return binaries;
}

}  // namespace signalbox::service
