#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/app.h"

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

// What the scripts do is tested in the shells; here only that they follow the program.
TEST(CompletionTest, KnowsEveryCommandAndFlag) {
  const auto line = MakeCommandLine();
  for (const std::string& script : {BashCompletion(line->app), ZshCompletion(line->app)}) {
    for (CLI::App* command : line->app.get_subcommands({})) {
      EXPECT_THAT(script, HasSubstr("\"" + command->get_name() + "\") echo"));
      for (const CLI::Option* option : command->get_options()) {
        for (const std::string& name : option->get_lnames()) EXPECT_THAT(script, HasSubstr("--" + name));
      }
    }
  }
}

TEST(CompletionTest, LearnsOfAFlagThatIsAdded) {
  const auto line = MakeCommandLine();
  std::string target;
  line->app.get_subcommand("get")->add_option("--brand-new", target)->type_name("this|that");
  EXPECT_THAT(BashCompletion(line->app), HasSubstr("\"get --brand-new\") echo \"this that\""));
}

}  // namespace
}  // namespace signalbox::cli
