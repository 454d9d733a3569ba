#ifndef DIGITS_TRAINER_H
#define DIGITS_TRAINER_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "examples/digits/checkpoint.h"
#include "examples/digits/digits_data.h"
#include "examples/digits/model.h"
#include "examples/digits/random.h"

namespace digits {

struct TrainerOptions {
  int64_t batch_size = 32;
  double learning_rate = 0.1;
  double momentum = 0.5;
  uint64_t seed = 1;
};

struct Evaluation {
  double loss = 0;
  double accuracy = 0;
};

/// Trains a model by stochastic gradient descent on minibatches with momentum. The same options and
/// data give the same model. Not thread-safe.
class Trainer {
 public:
  /// `data` must outlive it.
  Trainer(const Dataset& data, const TrainerOptions& options);

  /// Learns from one minibatch; the last one of an epoch may be smaller.
  void Step();

  int64_t step() const { return step_; }  ///< Minibatches so far.
  bool AtEpochEnd() const { return next_ == 0 && step_ > 0; }
  int64_t epoch() const { return epoch_; }  ///< Epochs that were completed.

  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double learning_rate) { learning_rate_ = learning_rate; }

  const Model& model() const { return model_; }

  /// What a checkpoint of now holds.
  Checkpoint Snapshot() const;

  Evaluation EvaluateTrain() const { return Evaluate(data_.train); }
  Evaluation EvaluateTest() const { return Evaluate(data_.test); }

 private:
  Evaluation Evaluate(std::span<const Example> examples) const;

  const Dataset& data_;
  const std::size_t batch_size_;
  const double momentum_;
  double learning_rate_;
  Random random_;
  Model model_;
  std::vector<double> velocity_;
  std::vector<std::size_t> order_;  // The training examples in the order of this epoch.
  std::size_t next_ = 0;            // The first of `order_` for the next step.
  int64_t step_ = 0;
  int64_t epoch_ = 0;
};

}  // namespace digits

#endif  // DIGITS_TRAINER_H
