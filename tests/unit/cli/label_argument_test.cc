#include "cli/label_argument.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signalbox::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(LabelArgumentTest, ReadsNameAndValue) {
  EXPECT_THAT(*ParseLabels({"team=vision", "expr=a=b", "empty="}),
              ElementsAre(Pair("empty", ""), Pair("expr", "a=b"), Pair("team", "vision")));
}

TEST(LabelArgumentTest, RefusesWhatIsNoLabel) {
  EXPECT_THAT(std::string(ParseLabels({"team"}).status().message()), HasSubstr("\"team\" is not name=value"));
  EXPECT_FALSE(ParseLabels({"=vision"}).ok());
  EXPECT_THAT(std::string(ParseLabels({"a=1", "a=2"}).status().message()), HasSubstr("twice"));
}

}  // namespace
}  // namespace signalbox::cli
