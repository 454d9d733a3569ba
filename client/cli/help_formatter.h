#ifndef SIGNALBOX_CLI_HELP_FORMATTER_H
#define SIGNALBOX_CLI_HELP_FORMATTER_H

#include <string>

#include "CLI/CLI.hpp"

namespace signalbox::cli {

/// CLI11's help with long descriptions broken into lines, and flags that take an optional word shown
/// as --wait[=finished|acked].
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();

  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_HELP_FORMATTER_H
