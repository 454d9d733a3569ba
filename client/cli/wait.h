#ifndef SIGNALBOX_CLI_WAIT_H
#define SIGNALBOX_CLI_WAIT_H

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "signalbox/client.h"

namespace signalbox::cli {

/// How `publish --wait` and `await` wait, and what they make of the result.

/// How long they wait when the command line does not say.
constexpr absl::Duration kDefaultWait = absl::Minutes(1);

/// "finished" and "acked".
const std::vector<std::string>& AwaitUntilWords();
AwaitUntil AwaitUntilOf(absl::string_view word);

/// kOk when the message got there and did not go wrong; kNotApplied when it ended otherwise;
/// kStillWaiting when it did not get there in time.
ExitCode WaitExitCode(const Message& message, AwaitUntil until);

/// What a publisher is told when the wait was over too early; empty otherwise.
std::string WaitHint(const Message& message, AwaitUntil until, absl::Duration wait);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_WAIT_H
