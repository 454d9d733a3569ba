#include "examples/digits/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace digits {
namespace {

constexpr char kHeader[] = "signalbox-digits-checkpoint-1";

std::string Serialized(const Checkpoint& checkpoint) {
  std::string text = absl::StrFormat("%s\nstep %d\nlearning_rate %a\nparameters %d\n", kHeader,
                                     checkpoint.step, checkpoint.learning_rate, checkpoint.parameters.size());
  for (const double parameter : checkpoint.parameters) absl::StrAppendFormat(&text, "%a\n", parameter);
  return text + "end\n";
}

absl::Status ErrnoStatus(const std::string& what) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what));
}

absl::Status WriteAndSync(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus("write " + path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(file) != 0) return ErrnoStatus("sync " + path);
  return absl::OkStatus();
}

// Makes the new name itself durable.
absl::Status SyncFolder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return ErrnoStatus("open " + folder);
  const bool synced = fsync(file) == 0;
  absl::Status status = synced ? absl::OkStatus() : ErrnoStatus("sync " + folder);
  close(file);
  return status;
}

absl::Status WriteFile(const std::string& text, const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return ErrnoStatus("create " + path);
  absl::Status status = WriteAndSync(file, text, path);
  if (close(file) != 0 && status.ok()) status = ErrnoStatus("close " + path);
  return status;
}

// Reads the word `name` and a number after it; strtod, because streams cannot read "%a".
bool ReadNumber(std::istream& in, std::string_view name, double& number) {
  std::string word;
  if (!name.empty() && (!(in >> word) || word != name)) return false;
  if (!(in >> word)) return false;
  char* end = nullptr;
  number = std::strtod(word.c_str(), &end);
  return *end == '\0';
}

bool Read(std::istream& in, Checkpoint& checkpoint) {
  std::string word;
  double step = 0;
  double count = 0;
  if (!(in >> word) || word != kHeader || !ReadNumber(in, "step", step) ||
      !ReadNumber(in, "learning_rate", checkpoint.learning_rate) || !ReadNumber(in, "parameters", count)) {
    return false;
  }
  constexpr double kLargest = 1e15;  // What int64 and double both hold exactly, with room to spare.
  if (step < 0 || step > kLargest || count < 0 || count > kLargest) return false;
  checkpoint.step = static_cast<int64_t>(step);
  for (auto left = static_cast<int64_t>(count); left > 0; --left) {
    double parameter = 0;
    if (!ReadNumber(in, "", parameter)) return false;
    checkpoint.parameters.push_back(parameter);
  }
  return (in >> word) && word == "end";
}

}  // namespace

absl::Status SaveCheckpoint(const Checkpoint& checkpoint, const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::InternalError(absl::StrCat("cannot make ", folder, ": ", error.message()));

  // Written beside its final name, then moved there in one step.
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  absl::Status status = WriteFile(Serialized(checkpoint), temporary);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = ErrnoStatus("rename to " + path);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncFolder(folder);
}

absl::StatusOr<Checkpoint> LoadCheckpoint(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot open ", path));
  Checkpoint checkpoint;
  if (!Read(file, checkpoint)) return absl::DataLossError(absl::StrCat(path, " is not a whole checkpoint"));
  return checkpoint;
}

}  // namespace digits
