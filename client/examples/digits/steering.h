#ifndef DIGITS_STEERING_H
#define DIGITS_STEERING_H

#include <string>

#include "absl/status/status.h"
#include "examples/digits/trainer.h"
#include "signalbox/inbox.h"

namespace digits {

/// What messages do to the training. Handlers run inside inbox.Dispatch(), which the training loop
/// calls between two steps: on its own thread, so nothing here needs a lock.
///
///   learning-rate  a number above 0    replies {"previous": 0.1, "current": 0.05}
///   save           any value           replies {"path": "/…/step-2700.checkpoint"}
///   evaluate       any value           replies {"accuracy": 0.95, "loss": 0.2}
///   stop           any value           saves, replies as save does; the loop sees stop_requested()
class Steering {
 public:
  /// `trainer` must outlive it.
  Steering(Trainer& trainer, std::string checkpoint_dir)
      : trainer_(trainer), checkpoint_dir_(std::move(checkpoint_dir)) {}

  /// Declares the keys and registers the handlers. This must outlive `inbox`.
  absl::Status ListenTo(signalbox::Inbox& inbox);

  bool stop_requested() const { return stop_requested_; }

 private:
  signalbox::HandlerResult SetLearningRate(const signalbox::Message& message);
  signalbox::HandlerResult Save(const signalbox::Message& message);
  signalbox::HandlerResult Evaluate(const signalbox::Message& message);
  signalbox::HandlerResult Stop(const signalbox::Message& message);

  Trainer& trainer_;
  const std::string checkpoint_dir_;
  bool stop_requested_ = false;
};

}  // namespace digits

#endif  // DIGITS_STEERING_H
