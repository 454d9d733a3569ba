#ifndef SIGNALBOX_RUN_H
#define SIGNALBOX_RUN_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "signalbox/message.h"

namespace signalbox {

/// Names one run: by `id` alone, or by `project` together with `rank`. The server answers
/// kInvalidArgument to anything else, with a text that says what is missing.
struct RunRef {
  std::string id;
  std::string project;
  int64_t rank = 0;

  static RunRef ById(std::string id) { return {std::move(id), "", 0}; }
  static RunRef ByRank(std::string project, int64_t rank) { return {"", std::move(project), rank}; }
};

enum class RunState { kUnspecified, kActive, kEnded };
enum class RunOutcome { kUnspecified, kCompleted, kFailed, kStopped };

/// Names as people and the command line write them: "ACTIVE", "STOPPED", …
std::string_view ToString(RunState state);
std::string_view ToString(RunOutcome outcome);

/// A key that a run listens to, so that publishers can see what it understands.
struct KeyDeclaration {
  std::string key;
  Kind kind = Kind::kUnspecified;  ///< Unspecified means kCommand.
  std::string description;         ///< At most 1 KiB.
};

/// One training job that messages are addressed to. Plain data.
struct Run {
  std::string id;
  std::string project;
  int64_t rank = 0;  ///< Number in the project: 1, 2, 3, … never reused.
  std::string title;
  std::map<std::string, std::string> labels;
  RunState state = RunState::kUnspecified;
  RunOutcome outcome = RunOutcome::kUnspecified;
  absl::Time create_time = absl::InfiniteFuture();
  absl::Time end_time = absl::InfiniteFuture();
  int64_t head_sequence = 0;  ///< Sequence of the newest message; 0 when there never was one.
  int64_t pending_count = 0;
  std::vector<KeyDeclaration> keys;  ///< Ordered by key.
};

}  // namespace signalbox

#endif  // SIGNALBOX_RUN_H
