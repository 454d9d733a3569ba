#ifndef SIGNALBOX_SERVICE_DOMAIN_RUN_H
#define SIGNALBOX_SERVICE_DOMAIN_RUN_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "service/domain/message.h"

namespace signalbox::service {

enum class RunState { kUnspecified = 0, kActive = 1, kEnded = 2 };
enum class RunOutcome { kUnspecified = 0, kCompleted = 1, kFailed = 2, kStopped = 3 };

struct KeyDeclaration {
  std::string key;
  Kind kind = Kind::kCommand;
  std::string description;
};

struct Run {
  int64_t run_no = 0;  ///< Internal number, in order of creation.
  std::string id;
  std::string project;
  int64_t rank = 0;
  std::string title;
  std::map<std::string, std::string> labels;
  RunState state = RunState::kActive;
  RunOutcome outcome = RunOutcome::kUnspecified;
  absl::Time create_time = absl::InfiniteFuture();
  absl::Time end_time = absl::InfiniteFuture();
  int64_t head_sequence = 0;
  int64_t pending_count = 0;
  std::vector<KeyDeclaration> keys;
};

/// A run as a caller asks for it.
struct NewRun {
  std::string project;
  std::string id;  ///< Empty: the registry makes one.
  std::string title;
  std::map<std::string, std::string> labels;
  std::string request_id;
  std::string fingerprint;  ///< Of everything the request said, when there is a request_id.
};

/// Which runs a list wants, newest first.
struct RunQuery {
  std::string project;  ///< Empty: all.
  RunState state = RunState::kUnspecified;
  std::map<std::string, std::string> labels;
  int64_t before_run_no = 0;  ///< 0: from the newest.
  int limit = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_RUN_H
