// The server's configuration. A line of the input is an argument, or NAME=VALUE of the environment when
// it begins with SIGNALBOXD_; beside them is a database URL with a password, which nothing may print.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzz.h"
#include "service/config.h"

namespace signalbox::service {
namespace {

constexpr char kPassword[] = "Hunter2";
constexpr char kUrlVariable[] = "SIGNALBOXD_DATABASE_URL";
constexpr char kUrl[] = "postgresql://ada:Hunter2@db/x";

// Sets variables, and unsets them at its end.
class Environment {
 public:
  ~Environment() {
    for (const std::string& name : names_) unsetenv(name.c_str());
  }
  void Set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    names_.push_back(name);
  }

 private:
  std::vector<std::string> names_;
};

bool IsQuiet(absl::string_view text) { return !absl::StrContains(text, kPassword); }

void CheckOutcome(const absl::StatusOr<CommandLine>& line) {
  if (!line.ok()) {
    SIGNALBOX_PROPERTY(absl::IsInvalidArgument(line.status()));
    SIGNALBOX_PROPERTY(!line.status().message().empty() && IsQuiet(line.status().message()));
    return;
  }
  SIGNALBOX_PROPERTY(IsQuiet(line->text));
  if (!line->text.empty()) return;
  const ServiceConfig& config = line->config;
  SIGNALBOX_PROPERTY(config.Validate().ok());
  SIGNALBOX_PROPERTY(config.database_url.empty() != config.data_dir.empty());
}

void Check(absl::string_view text) {
  if (absl::StrContains(text, kPassword)) return;  // Not as a password.
  setenv("HOME", "/home/ada", 1);
  Environment environment;
  environment.Set(kUrlVariable, kUrl);
  std::vector<std::string> arguments = {"signalboxd"};
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::string word(line.substr(0, line.find('\0')));  // An argument ends there.
    const size_t equals = word.find('=');
    if (absl::StartsWith(word, "SIGNALBOXD_") && equals != std::string::npos) {
      environment.Set(word.substr(0, equals), word.substr(equals + 1));
    } else {
      arguments.push_back(word);
    }
  }
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  CheckOutcome(ParseCommandLine(static_cast<int>(argv.size()), argv.data()));
  // And where somebody could see it, which is no reason to show it to others.
  for (const char* argument : {"--database-url", kUrl}) argv.push_back(argument);
  CheckOutcome(ParseCommandLine(static_cast<int>(argv.size()), argv.data()));
}

}  // namespace
}  // namespace signalbox::service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  signalbox::service::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
