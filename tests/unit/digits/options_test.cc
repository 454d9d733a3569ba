#include "examples/digits/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace digits {
namespace {

using testing::HasSubstr;

absl::StatusOr<Options> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "signalbox_digits");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(OptionsTest, ReadsBothSpellings) {
  const auto options = Parse({"--epochs", "3", "--learning-rate=0.5", "--step-delay", "2ms", "--run", "7",
                              "--project=org/name", "--seed", "9", "--batch-size", "1", "--momentum", "0"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->epochs, 3);
  EXPECT_EQ(options->training.learning_rate, 0.5);
  EXPECT_EQ(options->step_delay, absl::Milliseconds(2));
  EXPECT_EQ(options->run, "7");
  EXPECT_EQ(options->project, "org/name");
  EXPECT_EQ(options->training.seed, 9U);
  EXPECT_EQ(options->training.batch_size, 1);
  EXPECT_EQ(options->training.momentum, 0.0);
}

TEST(OptionsTest, HelpWinsOverWhatFollows) { EXPECT_TRUE(Parse({"--help", "--nonsense"})->help); }

TEST(OptionsTest, RefusalsNameTheFlag) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--nonsense"}, "unknown flag --nonsense"},
      {{"surplus"}, "surplus"},
      {{"--epochs"}, "--epochs needs a value"},
      {{"--epochs", "-1"}, "--epochs"},
      {{"--epochs", "many"}, "--epochs"},
      {{"--batch-size", "0"}, "--batch-size"},
      {{"--learning-rate", "0"}, "--learning-rate"},
      {{"--learning-rate", "nan"}, "--learning-rate"},
      {{"--momentum", "1"}, "--momentum"},
      {{"--step-delay", "5"}, "--step-delay"},
      {{"--step-delay", "inf"}, "--step-delay"},
      {{"--run", ""}, "--run"},
      {{"--run", "r", "--create-run", "p"}, "exclude each other"},
  };
  for (const auto& [words, text] : cases) {
    EXPECT_THAT(std::string(Parse(words).status().message()), HasSubstr(text));
  }
}

TEST(OptionsTest, UsageMentionsEveryFlag) {
  for (const char* flag :
       {"--epochs", "--batch-size", "--learning-rate", "--momentum", "--seed", "--step-delay", "--data",
        "--checkpoint-dir", "--address", "--run", "--project", "--create-run"}) {
    EXPECT_THAT(kUsage, HasSubstr(flag));
  }
}

}  // namespace
}  // namespace digits
