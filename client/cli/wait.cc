#include "cli/wait.h"

#include "absl/strings/str_cat.h"

namespace signalbox::cli {

const std::vector<std::string>& AwaitUntilWords() {
  static const auto* const words = new std::vector<std::string>{"finished", "acked"};
  return *words;
}

AwaitUntil AwaitUntilOf(absl::string_view word) {
  return word == "acked" ? AwaitUntil::kAcked : AwaitUntil::kFinished;
}

ExitCode WaitExitCode(const Message& message, AwaitUntil until) {
  switch (message.state) {
    case MessageState::kApplied:
      return ExitCode::kOk;
    case MessageState::kAcked:
      return until == AwaitUntil::kAcked ? ExitCode::kOk : ExitCode::kStillWaiting;
    case MessageState::kPending:
      return ExitCode::kStillWaiting;
    default:
      return ExitCode::kNotApplied;
  }
}

std::string WaitHint(const Message& message, AwaitUntil until, absl::Duration wait) {
  if (WaitExitCode(message, until) != ExitCode::kStillWaiting) return "";
  const std::string state = message.state == MessageState::kPending
                                ? "still pending"
                                : absl::StrCat("claimed by ", message.consumer, ", but not finished,");
  return absl::StrCat("message ", message.id, " is ", state, " after ", absl::FormatDuration(wait),
                      "; go on waiting with: signalbox await ", message.id);
}

}  // namespace signalbox::cli
