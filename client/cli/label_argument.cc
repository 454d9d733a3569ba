#include "cli/label_argument.h"

#include "absl/strings/str_cat.h"

namespace signalbox::cli {

absl::StatusOr<std::map<std::string, std::string>> ParseLabels(const std::vector<std::string>& labels) {
  std::map<std::string, std::string> parsed;
  for (const std::string& label : labels) {
    const std::size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--label: \"", label, "\" is not name=value"));
    }
    const std::string name = label.substr(0, equals);
    if (!parsed.emplace(name, label.substr(equals + 1)).second) {
      return absl::InvalidArgumentError(absl::StrCat("--label names \"", name, "\" twice"));
    }
  }
  return parsed;
}

}  // namespace signalbox::cli
