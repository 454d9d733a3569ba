#include "cli/wait.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signalbox::cli {
namespace {

using testing::HasSubstr;

Message InState(MessageState state) {
  Message message;
  message.id = "m1";
  message.state = state;
  message.consumer = "me";
  return message;
}

TEST(WaitTest, OnlyAppliedIsSuccess) {
  for (const AwaitUntil until : {AwaitUntil::kFinished, AwaitUntil::kAcked}) {
    EXPECT_EQ(WaitExitCode(InState(MessageState::kApplied), until), ExitCode::kOk);
    for (const MessageState state :
         {MessageState::kFailed, MessageState::kSuperseded, MessageState::kCancelled, MessageState::kExpired,
          MessageState::kUndelivered}) {
      EXPECT_EQ(WaitExitCode(InState(state), until), ExitCode::kNotApplied) << ToString(state);
    }
    EXPECT_EQ(WaitExitCode(InState(MessageState::kPending), until), ExitCode::kStillWaiting);
  }
}

TEST(WaitTest, AckedIsEnoughOnlyForThoseWhoWaitForIt) {
  const Message acked = InState(MessageState::kAcked);
  EXPECT_EQ(WaitExitCode(acked, AwaitUntil::kAcked), ExitCode::kOk);
  EXPECT_EQ(WaitExitCode(acked, AwaitUntil::kFinished), ExitCode::kStillWaiting);
}

TEST(WaitTest, TheHintSaysHowToGoOn) {
  const std::string pending =
      WaitHint(InState(MessageState::kPending), AwaitUntil::kFinished, absl::Seconds(30));
  EXPECT_THAT(pending, HasSubstr("m1 is still pending after 30s"));
  EXPECT_THAT(pending, HasSubstr("signalbox await m1"));
  EXPECT_THAT(WaitHint(InState(MessageState::kAcked), AwaitUntil::kFinished, absl::Seconds(30)),
              HasSubstr("claimed by me"));
  EXPECT_EQ(WaitHint(InState(MessageState::kFailed), AwaitUntil::kFinished, absl::Seconds(30)), "");
}

}  // namespace
}  // namespace signalbox::cli
