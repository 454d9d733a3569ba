#include "cli/run_argument.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace signalbox::cli {
namespace {

// Run ids hold at least one letter, so digits alone can only be a rank.
bool IsRank(const std::string& run) { return run.find_first_not_of("0123456789") == std::string::npos; }

}  // namespace

absl::StatusOr<RunRef> ResolveRun(const RunArgument& argument) {
  const std::string& run = argument.run.empty() ? argument.environment_run : argument.run;
  if (run.empty()) {
    return absl::InvalidArgumentError("no run given; use --run, or set SIGNALBOX_RUN");
  }
  if (!IsRank(run)) {
    if (!argument.project.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--project goes with a rank, but \"", run, "\" is the id of a run; drop --project"));
    }
    return RunRef::ById(run);
  }
  const std::string& project = argument.project.empty() ? argument.environment_project : argument.project;
  if (project.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank ", run, " needs a project; use --project, or set SIGNALBOX_PROJECT"));
  }
  int64_t rank = 0;
  if (!absl::SimpleAtoi(run, &rank) || rank == 0) {
    return absl::InvalidArgumentError(absl::StrCat("rank ", run, " is not a number from 1 to 2^63-1"));
  }
  return RunRef::ByRank(project, rank);
}

}  // namespace signalbox::cli
