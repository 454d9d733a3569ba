#include "examples/digits/options.h"

#include <cmath>
#include <functional>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace digits {

const char kUsage[] =
    R"(Usage: signalbox_digits [FLAG VALUE]...

Trains a small neural network to read handwritten digits, and listens to the
messages of its run meanwhile: learning-rate (a number), save, evaluate, stop.

Training
  --epochs N            how often to go through the data; 0 means until stopped
                        (default 200)
  --batch-size N        examples a step (default 32)
  --learning-rate X     step size (default 0.1)
  --momentum X          from 0 up to but without 1 (default 0.5)
  --seed N              same seed, same model (default 1)
  --step-delay TIME     pause after each step, such as 2ms or 0s; the default,
                        10ms, makes the training slow enough to watch
  --data FILE           digits.csv; found beside the program by default
  --checkpoint-dir DIR  where save and stop write (default checkpoints)

Steering
  --address HOST:PORT   server (default localhost:50051) [SIGNALBOX_ADDRESS]
  --run RUN             id of the run to listen for, or its rank in --project
                        [SIGNALBOX_RUN]
  --project PROJECT     project of a rank [SIGNALBOX_PROJECT]; without --run it
                        means --create-run
  --create-run PROJECT  create a run in this project, and end it at the end

Without a run or without a server it trains just the same.

Example
  signalbox_digits --create-run demo/digits --epochs 0
)";

namespace {

using Setter = std::function<bool(const std::string&)>;

// Each takes the text of a flag; false when the flag does not accept it.
Setter Whole(int64_t lowest, const std::function<void(int64_t)>& set) {
  return [=](const std::string& text) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < lowest) return false;
    set(number);
    return true;
  };
}

Setter Real(const std::function<bool(double)>& allowed, double& target) {
  return [allowed, &target](const std::string& text) {
    return absl::SimpleAtod(text, &target) && std::isfinite(target) && allowed(target);
  };
}

Setter Text(std::string& target) {
  return [&target](const std::string& text) {
    target = text;
    return !text.empty();
  };
}

Setter Pause(absl::Duration& target) {
  return [&target](const std::string& text) {
    return absl::ParseDuration(text, &target) && target >= absl::ZeroDuration() &&
           target < absl::InfiniteDuration();
  };
}

std::map<std::string, Setter> SettersOf(Options& options) {
  TrainerOptions& training = options.training;
  return {
      {"--data", Text(options.data)},
      {"--epochs", Whole(0, [&](int64_t epochs) { options.epochs = epochs; })},
      {"--batch-size", Whole(1, [&](int64_t size) { training.batch_size = size; })},
      {"--learning-rate", Real([](double rate) { return rate > 0; }, training.learning_rate)},
      {"--momentum", Real([](double momentum) { return momentum >= 0 && momentum < 1; }, training.momentum)},
      {"--seed", Whole(0, [&](int64_t seed) { training.seed = static_cast<uint64_t>(seed); })},
      {"--step-delay", Pause(options.step_delay)},
      {"--checkpoint-dir", Text(options.checkpoint_dir)},
      {"--address", Text(options.address)},
      {"--run", Text(options.run)},
      {"--project", Text(options.project)},
      {"--create-run", Text(options.create_run)},
  };
}

}  // namespace

absl::StatusOr<Options> ParseOptions(int argc, char** argv) {
  Options options;
  const std::map<std::string, Setter> setters = SettersOf(options);
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") options.help = true;
    if (options.help) return options;
    const std::size_t equals = argument.find('=');
    const std::string flag = argument.substr(0, equals);
    const auto setter = setters.find(flag);
    if (setter == setters.end()) return absl::InvalidArgumentError(absl::StrCat("unknown flag ", flag));
    if (equals == std::string::npos && ++i == argc) {
      return absl::InvalidArgumentError(absl::StrCat(flag, " needs a value"));
    }
    const std::string value = equals == std::string::npos ? argv[i] : argument.substr(equals + 1);
    if (!setter->second(value)) {
      return absl::InvalidArgumentError(absl::StrCat(flag, " does not take \"", value, "\""));
    }
  }
  if (!options.create_run.empty() && !options.run.empty()) {
    return absl::InvalidArgumentError("--run and --create-run exclude each other");
  }
  return options;
}

}  // namespace digits
