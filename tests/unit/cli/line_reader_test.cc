#include "cli/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

namespace signalbox::cli {
namespace {

// A pipe with a LineReader at its end.
class LineReaderTest : public testing::Test {
 protected:
  ~LineReaderTest() override {
    close(ends_[0]);
    End();
  }

  void Write(const std::string& text) {
    EXPECT_EQ(write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void End() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  // "number:text", or "end".
  std::string Next() {
    const auto line = reader_.Next();
    if (!line.ok()) return std::string(line.status().message());
    if (!line->has_value()) return "end";
    return std::to_string((*line)->number) + ":" + ((*line)->too_long ? "too long" : (*line)->text);
  }

  static std::array<int, 2> Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    return ends;
  }

  std::array<int, 2> ends_ = Pipe();
  LineReader reader_{ends_[0]};
};

TEST_F(LineReaderTest, ReadsLinesOfWhichTheLastNeedsNoEnd) {
  Write("a\n\nb\r\nlast");
  End();
  EXPECT_EQ(Next(), "1:a");
  EXPECT_EQ(Next(), "2:");
  EXPECT_EQ(Next(), "3:b\r");
  EXPECT_EQ(Next(), "4:last");
  EXPECT_EQ(Next(), "end");
  EXPECT_EQ(Next(), "end");
}

TEST_F(LineReaderTest, KnowsWhetherALineIsThere) {
  EXPECT_TRUE(reader_.WouldWait());
  Write("a\nb\nhalf");
  EXPECT_FALSE(reader_.WouldWait());
  EXPECT_EQ(Next(), "1:a");
  EXPECT_FALSE(reader_.WouldWait());
  EXPECT_EQ(Next(), "2:b");
  EXPECT_TRUE(reader_.WouldWait());
  Write(" is whole\n");
  EXPECT_EQ(Next(), "3:half is whole");
  End();
  EXPECT_FALSE(reader_.WouldWait());
  EXPECT_EQ(Next(), "end");
}

TEST_F(LineReaderTest, PassesOverALineThatIsTooLong) {
  std::thread writer([this] {
    const std::string chunk(64 << 10, 'x');
    for (int i = 0; i < 16; ++i) Write(chunk);
    Write("\n");
    for (int i = 0; i < 40; ++i) Write(chunk);
    Write("\nshort\n");
    for (int i = 0; i < 40; ++i) Write(chunk);
    End();
  });
  EXPECT_EQ(Next(), "1:" + std::string(kMaxLineBytes, 'x'));
  EXPECT_EQ(Next(), "2:too long");
  EXPECT_EQ(Next(), "3:short");
  EXPECT_EQ(Next(), "4:too long");
  EXPECT_EQ(Next(), "end");
  writer.join();
}

TEST(LineReaderErrorTest, SaysThatItCannotRead) {
  LineReader reader(-1);
  EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace signalbox::cli
