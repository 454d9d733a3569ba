#ifndef DIGITS_MODEL_H
#define DIGITS_MODEL_H

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "examples/digits/digits_data.h"

namespace digits {

/// A neural network with one hidden layer: 64 pixels, 32 units with ReLU, softmax over 10 digits.
///
/// Its parameters are one flat array, so that optimizer, checkpoint and tests need not know the
/// layers: weights and biases of the hidden layer, then those of the output.
class Model {
 public:
  static constexpr int kHidden = 32;
  static constexpr int kParameters = kHidden * (kPixels + 1) + kClasses * (kHidden + 1);

  /// Random weights for ReLU (He), zero biases.
  explicit Model(uint64_t seed);

  std::span<double> parameters() { return parameters_; }
  std::span<const double> parameters() const { return parameters_; }

  /// The probability of each digit.
  std::array<double, kClasses> Predict(const Example& example) const;

  /// Cross-entropy of `example`; adds its derivative by each parameter to `gradient`.
  double AddGradient(const Example& example, std::span<double> gradient) const;

 private:
  using Hidden = std::array<double, kHidden>;

  Hidden HiddenLayer(const Example& example) const;
  std::array<double, kClasses> OutputLayer(const Hidden& hidden) const;

  std::vector<double> parameters_;
};

}  // namespace digits

#endif  // DIGITS_MODEL_H
