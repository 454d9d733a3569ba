#include "cli/message_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const Style kTerminal = {.terminal = true, .json = false, .now = kNow};
const Style kPlain = {.terminal = false, .json = false, .now = kNow};

Message Setting() {
  Message message;
  message.id = "m1";
  message.sequence = 12;
  message.key = "learning-rate";
  message.value = 0.05;
  message.kind = Kind::kSetting;
  message.state = MessageState::kPending;
  message.create_time = kNow - absl::Seconds(3);
  return message;
}

TEST(MessageTextTest, AMessageIsOneLine) {
  EXPECT_EQ(MessageLine(Setting()), "12  learning-rate = 0.05  SETTING  m1");
}

TEST(MessageTextTest, AReceiptTellsWhatBecameOfIt) {
  Message message = Setting();
  EXPECT_EQ(Receipt(message), "PENDING");
  message.state = MessageState::kApplied;
  message.step = 18230;
  message.consumer = "host:1:abc";
  message.reply = Value::Object{{"previous", 0.1}, {"current", 0.05}};
  EXPECT_EQ(Receipt(message),
            R"(APPLIED at step 18230 by host:1:abc  reply {"current":0.05,"previous":0.1})");
  message.state = MessageState::kFailed;
  message.reply.reset();
  message.error = "must be positive";
  EXPECT_EQ(Receipt(message), "FAILED at step 18230 by host:1:abc  error must be positive");
}

TEST(MessageTextTest, TheTerminalGetsRelativeTimesAndShortValues) {
  Message message = Setting();
  message.value = std::string(100, 'x');
  const std::string table = PendingTable({message}, kTerminal);
  EXPECT_THAT(table, HasSubstr("3s ago"));
  EXPECT_THAT(table, HasSubstr("x…"));
  EXPECT_THAT(table, Not(HasSubstr(std::string(41, 'x'))));
}

TEST(MessageTextTest, ProgramsGetExactTimesAndWholeValues) {
  Message message = Setting();
  message.value = std::string(100, 'x');
  const std::string table = PendingTable({message}, kPlain);
  EXPECT_THAT(table, HasSubstr("2027-01-15T07:59:57.000000Z"));
  EXPECT_THAT(table, HasSubstr("\"" + std::string(100, 'x') + "\""));
  EXPECT_THAT(table, Not(HasSubstr("\t")));
}

TEST(MessageTextTest, HistoryShowsReplyAndError) {
  Message applied = Setting();
  applied.state = MessageState::kApplied;
  applied.step = 7;
  applied.reply = Value("done");
  Message failed = Setting();
  failed.state = MessageState::kFailed;
  failed.error = "too large";
  const std::string table = HistoryTable({applied, failed}, kPlain);
  EXPECT_THAT(table, HasSubstr("APPLIED"));
  EXPECT_THAT(table, HasSubstr("\"done\""));
  EXPECT_THAT(table, HasSubstr("too large"));
}

TEST(MessageTextTest, KeysAndValuesCannotDriveTheTerminal) {
  Message message = Setting();
  message.key = "\x1b]0;owned\x07";
  message.value = "\x1b[2J";
  for (const std::string& text : {PendingTable({message}, kTerminal), HistoryTable({message}, kPlain)}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
  }
}

}  // namespace
}  // namespace signalbox::cli
