#ifndef SIGNALBOX_CLI_LABEL_ARGUMENT_H
#define SIGNALBOX_CLI_LABEL_ARGUMENT_H

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace signalbox::cli {

/// Reads "name=value" of each --label. kInvalidArgument: no "=", no name, or a name given twice.
absl::StatusOr<std::map<std::string, std::string>> ParseLabels(const std::vector<std::string>& labels);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_LABEL_ARGUMENT_H
