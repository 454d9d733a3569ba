#ifndef SIGNALBOX_CLI_CHOICES_H
#define SIGNALBOX_CLI_CHOICES_H

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "signalbox/client.h"

namespace signalbox::cli {

/// An enum's values and the lower-case words that stand for them on the command line.
template <typename Enum>
class Choices {
 public:
  Choices(std::initializer_list<Enum> values) {
    for (const Enum value : values) {
      const std::string_view name = ToString(value);
      values_.push_back(value);
      words_.push_back(absl::AsciiStrToLower(absl::string_view(name.data(), name.size())));
    }
  }

  const std::vector<std::string>& words() const { return words_; }

  /// kUnspecified for a word that is not one of them, such as an empty one.
  Enum ValueOf(std::string_view word) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i] == word) return values_[i];
    }
    return Enum::kUnspecified;
  }

 private:
  std::vector<Enum> values_;
  std::vector<std::string> words_;
};

Choices<Kind> Kinds();
Choices<MessageState> MessageStates();
Choices<RunState> RunStates();
Choices<RunOutcome> RunOutcomes();

/// A flag that takes one of `words`, in upper or lower case; `target` gets it in lower case. The words
/// are also its type in the help, separated by "|", which is where shell completion finds them.
CLI::Option* AddChoice(CLI::App* command, const std::string& flag, std::string& target,
                       const std::vector<std::string>& words, const std::string& help);

/// The same for a flag that may be repeated and takes lists, "applied,failed".
CLI::Option* AddChoices(CLI::App* command, const std::string& flag, std::vector<std::string>& target,
                        const std::vector<std::string>& words, const std::string& help);

/// Makes an option that exists accept only `words`.
void LimitToChoices(CLI::Option* option, const std::vector<std::string>& words);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_CHOICES_H
