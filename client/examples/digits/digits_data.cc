#include "examples/digits/digits_data.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "examples/digits/random.h"

namespace digits {
namespace {

constexpr int kGreyLevels = 16;

absl::Status ParseLine(const std::string& line, Example& example) {
  const std::vector<std::string> fields = absl::StrSplit(line, ',');
  if (fields.size() != kPixels + 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", fields.size(), " fields instead of ", kPixels + 1));
  }
  for (int i = 0; i < kPixels; ++i) {
    int level = 0;
    if (!absl::SimpleAtoi(fields[i], &level) || level < 0 || level > kGreyLevels) {
      return absl::InvalidArgumentError(
          absl::StrCat("field ", i + 1, " is not a number from 0 to ", kGreyLevels));
    }
    example.pixels[i] = static_cast<double>(level) / kGreyLevels;
  }
  if (!absl::SimpleAtoi(fields[kPixels], &example.label) || example.label < 0 || example.label >= kClasses) {
    return absl::InvalidArgumentError("the label is not a digit");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Example>> LoadDigits(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot open ", path));
  std::vector<Example> examples;
  std::string line;
  while (std::getline(file, line)) {
    Example example;
    const absl::Status status = ParseLine(line, example);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", examples.size() + 1, ": ", status.message()));
    }
    examples.push_back(example);
  }
  if (file.bad()) return absl::DataLossError(absl::StrCat("cannot read ", path));
  if (examples.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  return examples;
}

Dataset Split(std::vector<Example> examples, uint64_t seed) {
  constexpr std::size_t kTestPart = 5;
  Random random(seed);
  random.Shuffle(examples);
  const auto test_end = examples.begin() + static_cast<std::ptrdiff_t>(examples.size() / kTestPart);
  return {.train = {test_end, examples.end()}, .test = {examples.begin(), test_end}};
}

absl::StatusOr<std::string> FindDigits() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path folder = program.parent_path();
  std::string tried;
  for (const char* relative : {DIGITS_BUILD_DATA, DIGITS_INSTALL_DATA}) {
    const std::filesystem::path path = (folder / relative).lexically_normal();
    if (std::filesystem::exists(path, error)) return path.string();
    absl::StrAppend(&tried, tried.empty() ? "" : " and ", path.string());
  }
  return absl::NotFoundError(absl::StrCat("no digits.csv at ", tried, "; use --data"));
}

}  // namespace digits
