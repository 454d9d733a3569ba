#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/app.h"

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

std::vector<CLI::App*> Commands(CLI::App& app) {
  std::vector<CLI::App*> all;
  for (CLI::App* command : app.get_subcommands({})) {
    all.push_back(command);
    for (CLI::App* inner : Commands(*command)) all.push_back(inner);
  }
  return all;
}

// Parses a line without the program's name; the reason when it is refused, else "".
std::string Parse(CommandLine& line, std::vector<std::string> words) {
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // As CLI11 wants them.
  try {
    line.app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return "";
}

TEST(CommandLineTest, EveryCommandAndFlagHasHelpAndEveryCommandAnExample) {
  const auto line = MakeCommandLine();
  for (CLI::App* command : Commands(line->app)) {
    EXPECT_NE(command->get_description(), "") << command->get_name();
    EXPECT_THAT(command->help(), HasSubstr("Example:\n")) << command->get_name();
    for (const CLI::Option* option : command->get_options()) {
      EXPECT_NE(option->get_description(), "") << command->get_name() << " " << option->get_name();
    }
  }
}

TEST(CommandLineTest, GlobalFlagsMayStandBeforeAndAfterTheCommand) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--json", "--timeout", "2s", "run", "list"},
        std::vector<std::string>{"run", "list", "--timeout", "2s", "--json"}}) {
    const auto line = MakeCommandLine();
    ASSERT_EQ(Parse(*line, words), "");
    EXPECT_TRUE(line->flags.json);
    EXPECT_EQ(line->flags.timeout, "2s");
    EXPECT_TRUE(line->selected);
  }
}

TEST(CommandLineTest, AwaitHasATimeoutOfItsOwn) {
  const auto line = MakeCommandLine();
  ASSERT_EQ(Parse(*line, {"await", "m1", "--timeout", "5m"}), "");
  EXPECT_EQ(line->flags.timeout, "");
}

TEST(CommandLineTest, ValuesMayLookLikeAnything) {
  for (const char* value : {"-1", "--key", "{}", "[]", "[1,2]", "", "%%", "a b"}) {
    const auto line = MakeCommandLine();
    EXPECT_EQ(Parse(*line, {"publish", "--run", "r", "--key", "k", "--value", value}), "") << value;
  }
}

TEST(CommandLineTest, ManyOfAFileNeedNoKeyAndNoValue) {
  for (const char* from : {"-", "messages.jsonl"}) {
    const auto line = MakeCommandLine();
    EXPECT_EQ(Parse(*line, {"publish", "--from", from, "--run", "r1"}), "") << from;
  }
}

TEST(CommandLineTest, IdsMayBeNamesOfCommands) {
  const auto line = MakeCommandLine();
  EXPECT_EQ(Parse(*line, {"ack", "get", "watch", "--consumer", "me"}), "");
}

TEST(CommandLineTest, ChoicesAreTakenInAnyCase) {
  const auto line = MakeCommandLine();
  EXPECT_EQ(Parse(*line, {"history", "--run", "r", "--state", "APPLIED,failed", "--state", "Pending"}), "");
}

TEST(CommandLineTest, WaitTakesItsWordOnlyAfterAnEqualsSign) {
  for (const char* wait : {"--wait", "--wait=acked", "--wait=finished"}) {
    const auto line = MakeCommandLine();
    EXPECT_EQ(Parse(*line, {"publish", "--key", "k", "--value", "1", wait, "--ttl", "1s"}), "") << wait;
  }
}

TEST(CommandLineTest, RefusalsNameWhatIsWrong) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "subcommand"},
      {{"publish", "--value", "1"}, "--key is required"},
      {{"publish", "--key", "k"}, "--value is required"},
      {{"publish", "--key", "k", "--value", "1", "--kind", "x"}, "is not one of command, setting"},
      {{"publish", "--key", "k", "--value", "1", "--wait=x"}, "is not one of finished, acked"},
      {{"publish", "--from", "f", "--wait"}, "excludes --from"},
      {{"publish", "--from", "f", "--request-id", "r"}, "xcludes"},
      {{"ack"}, "id is required"},
      {{"ack", "m1", "--step", "-1"}, "must not be negative"},
      {{"history", "--limit", "-1"}, "must not be negative"},
      {{"history", "--state", "gone"}, "is not one of pending"},
      {{"run", "end", "r1"}, "--outcome is required"},
      {{"get", "--key", "k", "surplus"}, "surplus"},
      {{"completion", "fish"}, "is not one of bash, zsh"},
  };
  for (const auto& [words, text] : cases) {
    const auto line = MakeCommandLine();
    EXPECT_THAT(Parse(*line, words), HasSubstr(text));
  }
}

}  // namespace
}  // namespace signalbox::cli
