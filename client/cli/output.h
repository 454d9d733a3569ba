#ifndef SIGNALBOX_CLI_OUTPUT_H
#define SIGNALBOX_CLI_OUTPUT_H

#include <ostream>
#include <string_view>

#include "absl/time/time.h"
#include "cli/json_output.h"

namespace signalbox::cli {

/// How things are shown. On a terminal long values are cut and times are relative; anywhere else
/// everything is complete and exact. With `json` only JSON is printed.
struct Style {
  bool terminal = false;
  bool json = false;
  absl::Time now;
};

/// Writes what a command says to standard output, and hints for people to standard error. Each call
/// flushes, so that a reader at the other end of a pipe sees events as they come. Not thread-safe.
class Output {
 public:
  /// The streams must outlive it.
  Output(std::ostream& out, std::ostream& err, Style style) : out_(out), err_(err), style_(style) {}

  const Style& style() const { return style_; }
  bool json() const { return style_.json; }

  /// One line; what a terminal would obey is escaped.
  void Line(std::string_view text);

  /// Text that was made printable before, such as a table.
  void Block(std::string_view text);

  /// The one document of a command, indented on a terminal.
  void Document(const OrderedJson& json);

  /// One document of many, always on one line.
  void DocumentLine(const OrderedJson& json);

  /// "signalbox: <text>" on standard error.
  void Note(std::string_view text);

 private:
  std::ostream& out_;
  std::ostream& err_;
  Style style_;
};

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_OUTPUT_H
