#include "examples/digits/trainer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace digits {

Trainer::Trainer(const Dataset& data, const TrainerOptions& options)
    : data_(data),
      batch_size_(static_cast<std::size_t>(options.batch_size)),
      momentum_(options.momentum),
      learning_rate_(options.learning_rate),
      random_(options.seed),
      model_(options.seed),
      velocity_(Model::kParameters, 0.0),
      order_(data.train.size()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
}

void Trainer::Step() {
  if (next_ == 0) random_.Shuffle(order_);
  const std::size_t end = std::min(next_ + batch_size_, order_.size());
  std::array<double, Model::kParameters> gradient = {};
  for (std::size_t i = next_; i < end; ++i) model_.AddGradient(data_.train[order_[i]], gradient);

  const double scale = learning_rate_ / static_cast<double>(end - next_);
  const std::span<double> parameters = model_.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    velocity_[i] = momentum_ * velocity_[i] - scale * gradient[i];
    parameters[i] += velocity_[i];
  }
  ++step_;
  next_ = end == order_.size() ? 0 : end;
  if (next_ == 0) ++epoch_;
}

Checkpoint Trainer::Snapshot() const {
  const std::span<const double> parameters = model_.parameters();
  return {
      .step = step_, .learning_rate = learning_rate_, .parameters = {parameters.begin(), parameters.end()}};
}

Evaluation Trainer::Evaluate(std::span<const Example> examples) const {
  Evaluation result;
  for (const Example& example : examples) {
    const std::array<double, kClasses> probabilities = model_.Predict(example);
    const auto best = std::ranges::max_element(probabilities) - probabilities.begin();
    result.loss -= std::log(std::max(probabilities[example.label], 1e-300));
    result.accuracy += best == example.label ? 1 : 0;
  }
  const auto count = static_cast<double>(examples.size());
  return {.loss = result.loss / count, .accuracy = result.accuracy / count};
}

}  // namespace digits
