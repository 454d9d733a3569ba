#include "cli/help_formatter.h"

#include <vector>

#include "absl/strings/str_split.h"

namespace signalbox::cli {
namespace {

constexpr std::size_t kColumn = 34;
constexpr std::size_t kTextWidth = 66;

// A flag, but with a word: --wait[=finished|acked].
bool TakesOptionalWord(const CLI::Option* option) {
  return option->get_items_expected_min() == 0 && !option->get_type_name().empty();
}

std::string Wrapped(const std::string& text) {
  std::string out;
  std::size_t line_width = 0;
  for (const auto& word : absl::StrSplit(text, ' ')) {
    const bool fits = line_width + 1 + word.size() <= kTextWidth;
    if (!out.empty()) out += fits ? " " : "\n";
    line_width = (out.empty() || !fits ? 0 : line_width + 1) + word.size();
    out.append(word.data(), word.size());
  }
  return out;
}

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kColumn); }

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  std::string name = CLI::Formatter::make_option_name(option, is_positional);
  if (is_positional || !TakesOptionalWord(option)) return name;
  return name.substr(0, name.find('{')) + "[=" + option->get_type_name() + "]";
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (TakesOptionalWord(option)) return "";
  return CLI::Formatter::make_option_opts(option);
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return Wrapped(CLI::Formatter::make_option_desc(option));
}

}  // namespace signalbox::cli
