#include "cli/output.h"

#include <gtest/gtest.h>

#include <sstream>

namespace signalbox::cli {
namespace {

struct Streams {
  std::ostringstream out;
  std::ostringstream err;
};

TEST(OutputTest, LinesAndNotesAreEscaped) {
  Streams streams;
  Output output(streams.out, streams.err, {});
  output.Line("a\nb\x1b");
  output.Note("no such run \"\x1b\"");
  EXPECT_EQ(streams.out.str(), "a\\nb\\u001b\n");
  EXPECT_EQ(streams.err.str(), "signalbox: no such run \"\\u001b\"\n");
}

TEST(OutputTest, DocumentsAreIndentedOnlyOnATerminal) {
  Streams terminal;
  Output(terminal.out, terminal.err, {.terminal = true, .json = true, .now = {}}).Document({{"a", 1}});
  EXPECT_EQ(terminal.out.str(), "{\n  \"a\": 1\n}\n");
  Streams pipe;
  Output(pipe.out, pipe.err, {.terminal = false, .json = true, .now = {}}).Document({{"a", 1}});
  EXPECT_EQ(pipe.out.str(), "{\"a\":1}\n");
}

TEST(OutputTest, ALineOfAStreamIsNeverIndented) {
  Streams streams;
  Output(streams.out, streams.err, {.terminal = true, .json = true, .now = {}}).DocumentLine({{"a", 1}});
  EXPECT_EQ(streams.out.str(), "{\"a\":1}\n");
}

}  // namespace
}  // namespace signalbox::cli
