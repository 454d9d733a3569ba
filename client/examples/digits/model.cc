#include "examples/digits/model.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "examples/digits/random.h"

namespace digits {
namespace {

// Where each layer starts in the flat array. Weights are stored a row for each unit.
constexpr std::size_t kHiddenWeights = 0;
constexpr std::size_t kHiddenBiases = kHiddenWeights + Model::kHidden * kPixels;
constexpr std::size_t kOutputWeights = kHiddenBiases + Model::kHidden;
constexpr std::size_t kOutputBiases = kOutputWeights + kClasses * Model::kHidden;
static_assert(kOutputBiases + kClasses == Model::kParameters);

constexpr std::size_t HiddenRow(int unit) {
  return kHiddenWeights + static_cast<std::size_t>(unit) * kPixels;
}
constexpr std::size_t OutputRow(int digit) {
  return kOutputWeights + static_cast<std::size_t>(digit) * Model::kHidden;
}

}  // namespace

Model::Model(uint64_t seed) : parameters_(kParameters, 0.0) {
  Random random(seed);
  const double hidden_scale = std::sqrt(2.0 / kPixels);
  const double output_scale = std::sqrt(2.0 / kHidden);
  for (std::size_t i = kHiddenWeights; i < kHiddenBiases; ++i)
    parameters_[i] = hidden_scale * random.Normal();
  for (std::size_t i = kOutputWeights; i < kOutputBiases; ++i)
    parameters_[i] = output_scale * random.Normal();
}

Model::Hidden Model::HiddenLayer(const Example& example) const {
  Hidden hidden;
  for (int unit = 0; unit < kHidden; ++unit) {
    double sum = parameters_[kHiddenBiases + unit];
    for (int pixel = 0; pixel < kPixels; ++pixel) {
      sum += parameters_[HiddenRow(unit) + pixel] * example.pixels[pixel];
    }
    hidden[unit] = std::max(sum, 0.0);
  }
  return hidden;
}

std::array<double, kClasses> Model::OutputLayer(const Hidden& hidden) const {
  std::array<double, kClasses> scores;
  for (int digit = 0; digit < kClasses; ++digit) {
    scores[digit] = parameters_[kOutputBiases + digit];
    for (int unit = 0; unit < kHidden; ++unit) {
      scores[digit] += parameters_[OutputRow(digit) + unit] * hidden[unit];
    }
  }
  // Softmax; taking the largest score off first keeps exp() from overflowing.
  const double largest = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
  return scores;
}

std::array<double, kClasses> Model::Predict(const Example& example) const {
  return OutputLayer(HiddenLayer(example));
}

double Model::AddGradient(const Example& example, std::span<double> gradient) const {
  const Hidden hidden = HiddenLayer(example);
  const std::array<double, kClasses> probabilities = OutputLayer(hidden);
  Hidden hidden_error = {};
  for (int digit = 0; digit < kClasses; ++digit) {
    // The derivative of softmax with cross-entropy by the score.
    const double error = probabilities[digit] - (digit == example.label ? 1.0 : 0.0);
    gradient[kOutputBiases + digit] += error;
    for (int unit = 0; unit < kHidden; ++unit) {
      gradient[OutputRow(digit) + unit] += error * hidden[unit];
      hidden_error[unit] += error * parameters_[OutputRow(digit) + unit];
    }
  }
  for (int unit = 0; unit < kHidden; ++unit) {
    if (hidden[unit] <= 0) continue;  // ReLU lets nothing through.
    gradient[kHiddenBiases + unit] += hidden_error[unit];
    for (int pixel = 0; pixel < kPixels; ++pixel) {
      gradient[HiddenRow(unit) + pixel] += hidden_error[unit] * example.pixels[pixel];
    }
  }
  // A probability that underflowed to 0 would make the loss infinite.
  return -std::log(std::max(probabilities[example.label], 1e-300));
}

}  // namespace digits
