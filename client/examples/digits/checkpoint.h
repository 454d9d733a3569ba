#ifndef DIGITS_CHECKPOINT_H
#define DIGITS_CHECKPOINT_H

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace digits {

/// A model at one step of its training.
struct Checkpoint {
  int64_t step = 0;
  double learning_rate = 0;
  std::vector<double> parameters;
};

/// Writes `checkpoint` to `path`: after OK all of it is on the disk, and at no time does a file of
/// that name hold a part of it, whenever the program or the machine may stop. Makes the folder when
/// there is none. A text file; numbers are hexadecimal, hence exact.
absl::Status SaveCheckpoint(const Checkpoint& checkpoint, const std::string& path);

/// kNotFound, or kDataLoss when the file is not a whole checkpoint.
absl::StatusOr<Checkpoint> LoadCheckpoint(const std::string& path);

}  // namespace digits

#endif  // DIGITS_CHECKPOINT_H
