#include "examples/digits/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace digits {
namespace {

using testing::ElementsAre;

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "checkpoint_test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  std::filesystem::path folder_;
};

Checkpoint Sample() {
  return {.step = 2700,
          .learning_rate = 0.1,
          .parameters = {1.0 / 3, -5e-324, 0.0, -0.0, 1.7976931348623157e308}};
}

TEST_F(CheckpointTest, ReadsBackBitForBit) {
  const std::string path = folder_ / "a.checkpoint";
  ASSERT_EQ(SaveCheckpoint(Sample(), path), absl::OkStatus());
  const auto loaded = LoadCheckpoint(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->step, 2700);
  EXPECT_EQ(loaded->learning_rate, 0.1);
  EXPECT_EQ(loaded->parameters, Sample().parameters);
}

TEST_F(CheckpointTest, LeavesNothingElseBehindAndReplacesTheOldOne) {
  const std::string path = folder_ / "a.checkpoint";
  ASSERT_EQ(SaveCheckpoint(Sample(), path), absl::OkStatus());
  Checkpoint newer = Sample();
  newer.step = 2800;
  ASSERT_EQ(SaveCheckpoint(newer, path), absl::OkStatus());
  EXPECT_THAT(Files(), ElementsAre("a.checkpoint"));
  EXPECT_EQ(LoadCheckpoint(path)->step, 2800);
}

// The new file is another one than the old: who has the old one open goes on reading it whole.
TEST_F(CheckpointTest, NeverWritesIntoTheOldFile) {
  const std::string path = folder_ / "a.checkpoint";
  ASSERT_EQ(SaveCheckpoint(Sample(), path), absl::OkStatus());
  std::ifstream old_file(path);
  Checkpoint newer = Sample();
  newer.parameters.clear();
  ASSERT_EQ(SaveCheckpoint(newer, path), absl::OkStatus());
  std::ostringstream old_text;
  old_text << old_file.rdbuf();
  EXPECT_THAT(old_text.str(), testing::HasSubstr("parameters 5\n"));
  EXPECT_THAT(old_text.str(), testing::EndsWith("end\n"));
}

TEST_F(CheckpointTest, AFailureLeavesTheOldOneAndNoRest) {
  const std::string path = folder_ / "a.checkpoint";
  // A folder in the way makes the last step, the rename, fail.
  std::filesystem::create_directories(path + "/occupied");
  EXPECT_FALSE(SaveCheckpoint(Sample(), path).ok());
  EXPECT_THAT(Files(), ElementsAre("a.checkpoint"));
}

TEST_F(CheckpointTest, MakesTheFolder) {
  EXPECT_EQ(SaveCheckpoint(Sample(), folder_ / "new" / "folder" / "a.checkpoint"), absl::OkStatus());
}

TEST_F(CheckpointTest, AFileThatWasCutOffIsNotLoaded) {
  const std::string path = folder_ / "a.checkpoint";
  ASSERT_EQ(SaveCheckpoint(Sample(), path), absl::OkStatus());
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  // Without the final newline it is still whole, hence the 1.
  for (std::size_t kept = 0; kept + 1 < text.str().size(); ++kept) {
    std::ofstream(path) << text.str().substr(0, kept);
    EXPECT_EQ(LoadCheckpoint(path).status().code(), absl::StatusCode::kDataLoss) << kept;
  }
  EXPECT_EQ(LoadCheckpoint(folder_ / "none").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace digits
