#ifndef SIGNALBOX_CLI_EXIT_CODE_H
#define SIGNALBOX_CLI_EXIT_CODE_H

#include <string>

#include "absl/status/status.h"

namespace signalbox::cli {

/// Exit status of the command line, one per kind of error. Scripts rely on the numbers: they never
/// change, new ones are added at the end.
enum class ExitCode {
  kOk = 0,
  kInternal = 1,
  kUsage = 2,
  kNotFound = 3,
  kRefused = 4,
  kAlreadyExists = 5,
  kLimit = 6,
  kUnavailable = 7,
  kUnauthorized = 8,
  kNotApplied = 9,
  kStillWaiting = 10,
  kInterrupted = 130,
};

/// The exit status that tells of `status`.
ExitCode ExitCodeOf(const absl::Status& status);

/// What people read of an error: the text, and the name of its kind.
std::string ErrorText(const absl::Status& status);

/// The whole table, one indented line per exit status, for `--help`.
std::string ExitCodeHelp();

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_EXIT_CODE_H
