#include "cli/message_text.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/time_text.h"

namespace signalbox::cli {
namespace {

// On a terminal a row should fit a line even with a long value in it.
constexpr std::size_t kKeyWidth = 32;
constexpr std::size_t kValueWidth = 40;

std::size_t Cut(const Style& style, std::size_t width) { return style.terminal ? width : 0; }

std::string TimeText(absl::Time time, const Style& style) {
  return style.terminal ? RelativeTime(time, style.now) : IsoTime(time);
}

std::string Name(std::string_view name) { return std::string(name); }

std::string StepText(const Message& message) { return message.step == 0 ? "" : absl::StrCat(message.step); }

// The reply, the error, or both.
std::string ResultText(const Message& message) {
  std::string text = message.error;
  if (message.reply) absl::StrAppend(&text, text.empty() ? "" : "  ", ValueText(*message.reply));
  return text;
}

}  // namespace

std::string ValueText(const Value& value) { return JsonText(ToJson(value), JsonLayout::kOneLine); }

std::string MessageLine(const Message& message) {
  return absl::StrCat(message.sequence, "  ", message.key, " = ", ValueText(message.value), "  ",
                      Name(ToString(message.kind)), "  ", message.id);
}

std::string Receipt(const Message& message) {
  std::string text = Name(ToString(message.state));
  if (message.step != 0) absl::StrAppend(&text, " at step ", message.step);
  if (!message.consumer.empty()) absl::StrAppend(&text, " by ", message.consumer);
  if (!message.error.empty()) absl::StrAppend(&text, "  error ", message.error);
  if (message.reply) absl::StrAppend(&text, "  reply ", ValueText(*message.reply));
  return text;
}

std::string EventLine(const WatchEvent& event) {
  switch (event.type) {
    case WatchEvent::Type::kMessage:
      return absl::StrCat("message    ", MessageLine(event.message));
    case WatchEvent::Type::kWithdrawn:
      return absl::StrCat("withdrawn  ", event.message.id, "  ", Receipt(event.message));
    case WatchEvent::Type::kSynced:
      return "synced     everything pending was shown";
    case WatchEvent::Type::kInterrupted:
      return absl::StrCat("interrupted  ", event.error.ToString());
    case WatchEvent::Type::kRunEnded:
      return absl::StrCat("ended      ", Name(ToString(event.outcome)));
  }
  return "";
}

std::string PendingTable(const std::vector<Message>& messages, const Style& style) {
  Table table({{"SEQUENCE"},
               {"KEY", Cut(style, kKeyWidth)},
               {"VALUE", Cut(style, kValueWidth)},
               {"KIND"},
               {"PUBLISHED"},
               {"EXPIRES"},
               {"ID"}});
  for (const Message& message : messages) {
    table.AddRow({absl::StrCat(message.sequence), message.key, ValueText(message.value),
                  Name(ToString(message.kind)), TimeText(message.create_time, style),
                  TimeText(message.expire_time, style), message.id});
  }
  return table.Render();
}

std::string HistoryTable(const std::vector<Message>& messages, const Style& style) {
  Table table({{"SEQUENCE"},
               {"STATE"},
               {"KEY", Cut(style, kKeyWidth)},
               {"VALUE", Cut(style, kValueWidth)},
               {"PUBLISHED"},
               {"STEP"},
               {"RESULT", Cut(style, kValueWidth)},
               {"ID"}});
  for (const Message& message : messages) {
    table.AddRow({absl::StrCat(message.sequence), Name(ToString(message.state)), message.key,
                  ValueText(message.value), TimeText(message.create_time, style), StepText(message),
                  ResultText(message), message.id});
  }
  return table.Render();
}

}  // namespace signalbox::cli
