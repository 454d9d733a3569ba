#ifndef DIGITS_RANDOM_H
#define DIGITS_RANDOM_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

namespace digits {

/// Random numbers that are the same for a seed with every compiler; std::shuffle and the standard
/// distributions do not promise that.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  /// From 0 up to but without 1.
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  /// Normal with mean 0 and deviation 1, by Box and Muller.
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }

  /// Fisher and Yates.
  template <typename Element>
  void Shuffle(std::vector<Element>& elements) {
    for (std::size_t i = elements.size(); i > 1; --i) {
      std::swap(elements[i - 1], elements[static_cast<std::size_t>(Uniform() * static_cast<double>(i))]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace digits

#endif  // DIGITS_RANDOM_H
