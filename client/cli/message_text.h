#ifndef SIGNALBOX_CLI_MESSAGE_TEXT_H
#define SIGNALBOX_CLI_MESSAGE_TEXT_H

#include <string>
#include <vector>

#include "cli/output.h"
#include "signalbox/client.h"

namespace signalbox::cli {

/// Messages as people read them. Single lines come without newline and unescaped: Output::Line()
/// escapes. Tables are ready to print.

/// The value as one line of JSON; what --value takes.
std::string ValueText(const Value& value);

/// `learning-rate = 0.05  SETTING  <id>`, with the sequence before it.
std::string MessageLine(const Message& message);

/// What became of a message: `APPLIED at step 18230 by host:1:abc  reply {"current":0.05}`.
std::string Receipt(const Message& message);

/// One event of a watched run.
std::string EventLine(const WatchEvent& event);

std::string PendingTable(const std::vector<Message>& messages, const Style& style);
std::string HistoryTable(const std::vector<Message>& messages, const Style& style);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_MESSAGE_TEXT_H
