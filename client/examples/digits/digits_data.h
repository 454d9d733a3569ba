#ifndef DIGITS_DIGITS_DATA_H
#define DIGITS_DIGITS_DATA_H

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace digits {

constexpr int kPixels = 64;  ///< 8 rows of 8
constexpr int kClasses = 10;

/// One handwritten digit: grey levels from 0 to 1, and what was meant.
struct Example {
  std::array<double, kPixels> pixels = {};
  int label = 0;
};

/// Examples to learn from, and others to judge by.
struct Dataset {
  std::vector<Example> train;
  std::vector<Example> test;
};

/// Reads a CSV file of 64 grey levels from 0 to 16 and a label a line. The error names file and line.
absl::StatusOr<std::vector<Example>> LoadDigits(const std::string& path);

/// Shuffles by `seed` and keeps a fifth for testing.
Dataset Split(std::vector<Example> examples, uint64_t seed);

/// Where digits.csv lies beside this program, in the build tree or as installed. kNotFound lists the
/// places.
absl::StatusOr<std::string> FindDigits();

}  // namespace digits

#endif  // DIGITS_DIGITS_DATA_H
