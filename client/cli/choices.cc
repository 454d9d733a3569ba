#include "cli/choices.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace signalbox::cli {

Choices<Kind> Kinds() { return {Kind::kCommand, Kind::kSetting}; }

Choices<MessageState> MessageStates() {
  return {MessageState::kPending, MessageState::kAcked,      MessageState::kApplied,
          MessageState::kFailed,  MessageState::kSuperseded, MessageState::kCancelled,
          MessageState::kExpired, MessageState::kUndelivered};
}

Choices<RunState> RunStates() { return {RunState::kActive, RunState::kEnded}; }

Choices<RunOutcome> RunOutcomes() {
  return {RunOutcome::kCompleted, RunOutcome::kFailed, RunOutcome::kStopped};
}

void LimitToChoices(CLI::Option* option, const std::vector<std::string>& words) {
  option->type_name(absl::StrJoin(words, "|"));
  option->transform(CLI::Validator(
      [words](std::string& word) -> std::string {
        word = absl::AsciiStrToLower(word);
        if (std::ranges::find(words, word) != words.end()) return "";
        return absl::StrCat("\"", word, "\" is not one of ", absl::StrJoin(words, ", "));
      },
      ""));
}

CLI::Option* AddChoice(CLI::App* command, const std::string& flag, std::string& target,
                       const std::vector<std::string>& words, const std::string& help) {
  CLI::Option* option = command->add_option(flag, target, help);
  LimitToChoices(option, words);
  return option;
}

CLI::Option* AddChoices(CLI::App* command, const std::string& flag, std::vector<std::string>& target,
                        const std::vector<std::string>& words, const std::string& help) {
  CLI::Option* option = command->add_option(flag, target, help);
  LimitToChoices(option, words);
  option->delimiter(',')->allow_extra_args(false);
  return option;
}

}  // namespace signalbox::cli
