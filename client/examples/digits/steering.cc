#include "examples/digits/steering.h"

#include <cmath>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/digits/checkpoint.h"

namespace digits {

using signalbox::HandlerResult;
using signalbox::Kind;
using signalbox::Message;
using signalbox::Value;

// This is all it takes: say what the job listens to, and answer each message with a reply or an
// error. The reply, the error and the step of the training reach whoever published it.
absl::Status Steering::ListenTo(signalbox::Inbox& inbox) {
  const auto on = [&](signalbox::KeyDeclaration declaration,
                      HandlerResult (Steering::*apply)(const Message&)) {
    return inbox.On(std::move(declaration), [this, apply](const Message& message) {
      HandlerResult result = (this->*apply)(message);
      if (!result.ok()) {
        absl::PrintF("step %d  %s failed: %s\n", trainer_.step(), message.key, result.status().message());
      }
      return result;
    });
  };
  absl::Status status;
  status.Update(
      on({"learning-rate", Kind::kSetting, "Step size, a number above 0"}, &Steering::SetLearningRate));
  status.Update(on({"save", Kind::kCommand, "Write a checkpoint"}, &Steering::Save));
  status.Update(on({"evaluate", Kind::kCommand, "Accuracy and loss on the test set"}, &Steering::Evaluate));
  status.Update(on({"stop", Kind::kCommand, "Write a checkpoint and end the run"}, &Steering::Stop));
  return status;
}

HandlerResult Steering::SetLearningRate(const Message& message) {
  const double* rate = message.value.as_number();
  if (rate == nullptr || !std::isfinite(*rate) || *rate <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("learning-rate must be a number above 0, but is ", message.value.ToJson()));
  }
  const double previous = trainer_.learning_rate();
  trainer_.set_learning_rate(*rate);
  absl::PrintF("step %d  learning-rate %g -> %g\n", trainer_.step(), previous, *rate);
  return Value(Value::Object{{"previous", previous}, {"current", *rate}});
}

HandlerResult Steering::Save(const Message& message) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(checkpoint_dir_, error);
  const std::string path =
      (folder / absl::StrCat("step-", trainer_.step(), ".checkpoint")).lexically_normal().string();
  const absl::Status status = SaveCheckpoint(trainer_.Snapshot(), path);
  if (!status.ok()) return status;
  absl::PrintF("step %d  %s -> %s\n", trainer_.step(), message.key, path);
  return Value(Value::Object{{"path", path}});
}

HandlerResult Steering::Evaluate(const Message&) {
  const Evaluation test = trainer_.EvaluateTest();
  if (!std::isfinite(test.loss)) return absl::InternalError("the training diverged: the loss is not finite");
  absl::PrintF("step %d  evaluate -> accuracy %.4f  loss %.4f\n", trainer_.step(), test.accuracy, test.loss);
  return Value(Value::Object{{"accuracy", test.accuracy}, {"loss", test.loss}});
}

HandlerResult Steering::Stop(const Message& message) {
  stop_requested_ = true;  // Also when saving fails: who says stop means it.
  return Save(message);
}

}  // namespace digits
