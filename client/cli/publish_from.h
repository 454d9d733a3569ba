#ifndef SIGNALBOX_CLI_PUBLISH_FROM_H
#define SIGNALBOX_CLI_PUBLISH_FROM_H

#include <string>

#include "absl/status/statusor.h"
#include "cli/context.h"
#include "cli/publish_line.h"

namespace signalbox::cli {

/// `publish --from`: publishes the lines of a file, or of standard input when `path` is "-", in their
/// order. Says of each that is stored what `publish` says, on one line, and of each other its number
/// and the reason, on standard error; goes on then, but stops when the server is not available. Lines
/// of somebody who is still writing are sent as soon as there is none to wait with.
///
/// Returns the exit status of the first line that was not stored. kInvalidArgument: the file cannot be
/// read.
absl::StatusOr<ExitCode> PublishFrom(const std::string& path, const PublishDefaults& defaults,
                                     Context& context);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_PUBLISH_FROM_H
