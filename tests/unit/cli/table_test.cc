#include "cli/table.h"

#include <gtest/gtest.h>

namespace signalbox::cli {
namespace {

TEST(TableTest, AlignsColumns) {
  Table table({{"ID"}, {"VALUE"}, {"KEY"}});
  table.AddRow({"1", "größer", "a"});
  table.AddRow({"100", "x", "b"});
  EXPECT_EQ(table.Render(),
            "ID   VALUE   KEY\n"
            "1    größer  a\n"
            "100  x       b\n");
}

TEST(TableTest, ShowsEmptyCellsAndNoTrailingBlanks) {
  Table table({{"A"}, {"LONG"}});
  table.AddRow({"", "x"});
  table.AddRow({"y"});
  EXPECT_EQ(table.Render(), "A  LONG\n-  x\ny  -\n");
}

TEST(TableTest, CutsColumnsWithAWidth) {
  Table table({{"VALUE", 5}, {"KEY"}});
  table.AddRow({"123456789", "123456789"});
  EXPECT_EQ(table.Render(), "VALUE  KEY\n1234…  123456789\n");
}

TEST(TableTest, ACellCannotBreakOutOfItsLine) {
  Table table({{"KEY"}});
  table.AddRow({"a\n\x1b[2Jb"});
  EXPECT_EQ(table.Render(), "KEY\na\\n\\u001b[2Jb\n");
}

}  // namespace
}  // namespace signalbox::cli
