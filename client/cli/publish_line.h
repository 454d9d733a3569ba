#ifndef SIGNALBOX_CLI_PUBLISH_LINE_H
#define SIGNALBOX_CLI_PUBLISH_LINE_H

#include <string>

#include "absl/status/statusor.h"
#include "cli/run_argument.h"
#include "signalbox/client.h"

namespace signalbox::cli {

/// What holds for the lines of `publish --from` that do not say otherwise.
struct PublishDefaults {
  RunArgument run;         ///< A line's run takes its place, and its project goes with a rank.
  PublishRequest message;  ///< Its run and request id are not used.
};

/// One line of `publish --from`: a JSON object with the fields of the protocol's PublishRequest. `run`
/// is what --run takes, beside it `project`; `ttl` what --ttl takes; `kind` "command" or "setting" in
/// any case; `value` any JSON.
///
/// kInvalidArgument says what is wrong: not JSON, a field that is unknown or of another type, no run,
/// and what ParseValueArgument() refuses. Limits are the server's.
absl::StatusOr<PublishRequest> ParsePublishLine(const std::string& line, const PublishDefaults& defaults);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_PUBLISH_LINE_H
