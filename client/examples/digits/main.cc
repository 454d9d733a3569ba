// A training job that can be steered while it runs; see README.md.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "examples/digits/digits_data.h"
#include "examples/digits/options.h"
#include "examples/digits/session.h"
#include "examples/digits/steering.h"
#include "examples/digits/trainer.h"

namespace digits {
namespace {

volatile std::sig_atomic_t terminated = 0;

void OnTerminate(int) { terminated = 1; }

absl::StatusOr<Dataset> LoadDataset(const Options& options) {
  absl::StatusOr<std::string> path = options.data.empty() ? FindDigits() : options.data;
  if (!path.ok()) return path.status();
  absl::StatusOr<std::vector<Example>> examples = LoadDigits(*path);
  if (!examples.ok()) return examples.status();
  return Split(*std::move(examples), options.training.seed);
}

void PrintEpoch(const Trainer& trainer) {
  const Evaluation train = trainer.EvaluateTrain();
  const Evaluation test = trainer.EvaluateTest();
  absl::PrintF("epoch %d  step %d  loss %.4f  train %.4f  test %.4f  lr %g\n", trainer.epoch(),
               trainer.step(), train.loss, train.accuracy, test.accuracy, trainer.learning_rate());
}

// The training loop; the line with Dispatch() is what makes it steerable.
signalbox::RunOutcome Train(const Options& options, Trainer& trainer, const Steering& steering,
                            Session* session) {
  while (options.epochs == 0 || trainer.epoch() < options.epochs) {
    if (session != nullptr) session->Dispatch(trainer.step());
    if (steering.stop_requested() || terminated != 0) return signalbox::RunOutcome::kStopped;
    trainer.Step();
    if (trainer.AtEpochEnd()) PrintEpoch(trainer);
    absl::SleepFor(options.step_delay);
  }
  return signalbox::RunOutcome::kCompleted;
}

int Fail(const absl::Status& status, int exit_code) {
  absl::FPrintF(stderr, "signalbox_digits: %s\n", status.message());
  return exit_code;
}

int Main(int argc, char** argv) {
  constexpr int kUsageError = 2;
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // Whole lines at once, also into a file.
  std::signal(SIGINT, OnTerminate);
  std::signal(SIGTERM, OnTerminate);
  const absl::StatusOr<Options> options = ParseOptions(argc, argv);
  if (!options.ok()) return Fail(options.status(), kUsageError);
  if (options->help) {
    std::fputs(kUsage, stdout);
    return EXIT_SUCCESS;
  }
  const absl::StatusOr<Dataset> data = LoadDataset(*options);
  if (!data.ok()) return Fail(data.status(), EXIT_FAILURE);

  Trainer trainer(*data, options->training);
  Steering steering(trainer, options->checkpoint_dir);
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Open(*options, steering);
  if (!session.ok()) {
    absl::FPrintF(stderr, "warning: training without steering: %s\n", session.status().message());
  }
  const signalbox::RunOutcome outcome =
      Train(*options, trainer, steering, session.ok() ? session->get() : nullptr);
  if (session.ok()) (*session)->End(outcome, steering.stop_requested());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace digits

int main(int argc, char** argv) { return digits::Main(argc, argv); }
