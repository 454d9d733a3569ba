#ifndef DIGITS_OPTIONS_H
#define DIGITS_OPTIONS_H

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/digits/trainer.h"

namespace digits {

/// The command line. Empty texts mean: not given.
struct Options {
  bool help = false;

  std::string data;
  TrainerOptions training;
  int64_t epochs = 200;  ///< 0: until stopped.
  absl::Duration step_delay = absl::Milliseconds(10);
  std::string checkpoint_dir = "checkpoints";

  std::string address;
  std::string run;         ///< An id, or a rank in `project`.
  std::string project;     ///< Without `run` it means `create_run`.
  std::string create_run;  ///< The project to create a run in.
};

/// kInvalidArgument names the flag that is wrong.
absl::StatusOr<Options> ParseOptions(int argc, char** argv);

/// What --help prints.
extern const char kUsage[];

}  // namespace digits

#endif  // DIGITS_OPTIONS_H
