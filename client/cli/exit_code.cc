#include "cli/exit_code.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace signalbox::cli {
namespace {

struct Row {
  ExitCode code;
  const char* meaning;
};

constexpr Row kTable[] = {
    {ExitCode::kOk, "done"},
    {ExitCode::kInternal, "a defect, of this program or of the server"},
    {ExitCode::kUsage, "bad command line, or a field that the server does not accept"},
    {ExitCode::kNotFound, "no such run or message"},
    {ExitCode::kRefused, "refused as things are: run ended, message not pending, claimed by another"},
    {ExitCode::kAlreadyExists, "request id or run id was used before, with other content"},
    {ExitCode::kLimit, "a limit of the server is reached"},
    {ExitCode::kUnavailable, "server not reachable, or no answer in time; trying again is safe"},
    {ExitCode::kUnauthorized, "not authenticated, or not allowed"},
    {ExitCode::kNotApplied, "the awaited message ended otherwise than APPLIED"},
    {ExitCode::kStillWaiting, "the wait was over before the message got there"},
    {ExitCode::kInterrupted, "stopped by Ctrl-C"},
};

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:  // A cursor that can no longer be honoured.
      return ExitCode::kRefused;
    case absl::StatusCode::kAlreadyExists:
      return ExitCode::kAlreadyExists;
    case absl::StatusCode::kResourceExhausted:
      return ExitCode::kLimit;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
      return ExitCode::kUnavailable;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return ExitCode::kUnauthorized;
    default:
      return ExitCode::kInternal;
  }
}

std::string ErrorText(const absl::Status& status) {
  return absl::StrCat(status.message(), " (", absl::StatusCodeToString(status.code()), ")");
}

std::string ExitCodeHelp() {
  std::string help;
  for (const Row& row : kTable)
    absl::StrAppendFormat(&help, "  %3d  %s\n", static_cast<int>(row.code), row.meaning);
  return help;
}

}  // namespace signalbox::cli
