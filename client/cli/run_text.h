#ifndef SIGNALBOX_CLI_RUN_TEXT_H
#define SIGNALBOX_CLI_RUN_TEXT_H

#include <string>
#include <vector>

#include "cli/output.h"
#include "signalbox/run.h"

namespace signalbox::cli {

/// Runs as people read them. Tables and details are ready to print, lines are escaped by
/// Output::Line().

/// `org/name#438`: how people call a run.
std::string RankName(const Run& run);

std::string RunTable(const std::vector<Run>& runs, const Style& style);

/// Everything about one run, a line for each field.
std::string RunDetails(const Run& run, const Style& style);

/// What a run listens to.
std::string KeyTable(const std::vector<KeyDeclaration>& keys);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_RUN_TEXT_H
