#include "examples/digits/digits_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string>

namespace digits {
namespace {

using testing::Each;
using testing::HasSubstr;

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path) << text;
  return path;
}

std::string Line(int fields, const std::string& field) {
  std::string line = field;
  for (int i = 1; i < fields; ++i) line += "," + field;
  return line + "\n";
}

TEST(DigitsDataTest, Loads1797DigitsOfTenKinds) {
  const auto examples = LoadDigits(DIGITS_CSV);
  ASSERT_TRUE(examples.ok()) << examples.status();
  EXPECT_EQ(examples->size(), 1797U);
  std::array<int, kClasses> count = {};
  for (const Example& example : *examples) {
    ++count.at(static_cast<std::size_t>(example.label));
    EXPECT_GE(*std::ranges::min_element(example.pixels), 0.0);
    EXPECT_LE(*std::ranges::max_element(example.pixels), 1.0);
  }
  EXPECT_THAT(count, Each(testing::Gt(150)));
}

TEST(DigitsDataTest, ErrorsNameFileAndLine) {
  EXPECT_EQ(LoadDigits("/nonexistent/digits.csv").status().code(), absl::StatusCode::kNotFound);
  for (const auto& [text, reason] : {std::pair<std::string, std::string>{Line(3, "1"), "3 fields"},
                                     {Line(65, "17"), "field 1"},
                                     {Line(65, "-1"), "field 1"},
                                     {Line(65, "x"), "field 1"},
                                     {Line(65, "10"), "label"}}) {
    const std::string path = WriteFile("digits_data_test.csv", Line(65, "1") + text);
    const absl::Status status = LoadDigits(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(path + ":2: "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
    std::remove(path.c_str());
  }
}

TEST(DigitsDataTest, AnEmptyFileIsAnError) {
  const std::string path = WriteFile("digits_data_empty.csv", "");
  EXPECT_FALSE(LoadDigits(path).ok());
  std::remove(path.c_str());
}

TEST(DigitsDataTest, SplitKeepsEveryExampleOnceAndDependsOnTheSeed) {
  std::vector<Example> examples(100);
  for (int i = 0; i < 100; ++i) examples[i].label = i;
  const Dataset data = Split(examples, 1);
  EXPECT_EQ(data.test.size(), 20U);
  std::vector<int> labels;
  for (const auto* part : {&data.train, &data.test}) {
    for (const Example& example : *part) labels.push_back(example.label);
  }
  const Dataset other = Split(examples, 2);
  EXPECT_NE(other.test.front().label + 100 * other.test.back().label,
            data.test.front().label + 100 * data.test.back().label);
  std::ranges::sort(labels);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(labels[i], i);
}

}  // namespace
}  // namespace digits
