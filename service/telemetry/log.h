#ifndef SIGNALBOX_SERVICE_TELEMETRY_LOG_H
#define SIGNALBOX_SERVICE_TELEMETRY_LOG_H

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace signalbox::service {

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

/// One named value of an event. Names are literals in snake_case other than time, severity and event.
/// Tokens, passwords and message contents are never the value of a field. Refers to a text that it is
/// given, so it is only to be made as an argument of the calls below.
struct LogField {
  template <std::integral Value>
  LogField(absl::string_view field, Value number) : name(field) {
    if constexpr (std::is_same_v<Value, bool>) {
      value = number;
    } else {
      value = static_cast<int64_t>(number);
    }
  }
  LogField(absl::string_view field, double number) : name(field), value(number) {}
  LogField(absl::string_view field, absl::string_view text) : name(field), value(text) {}
  LogField(absl::string_view field, const std::string& text) : LogField(field, absl::string_view(text)) {}
  LogField(absl::string_view field, const char* text) : LogField(field, absl::string_view(text)) {}

  absl::string_view name;
  std::variant<bool, int64_t, double, absl::string_view> value;
};

using LogFields = std::initializer_list<LogField>;

/// The event as one line of JSON, newline included, of at most 4096 bytes:
///   {"time":"2026-05-01T09:30:00.000123Z","severity":"INFO","event":"server_started","pid":7}
/// Texts are cut at 1 KiB, or shorter when the line would be too long; bytes that are not UTF-8 are
/// replaced, so the line can always be parsed.
std::string FormatLogLine(absl::Time time, LogSeverity severity, absl::string_view event, LogFields fields);

/// Writes events of at least a given severity to a file descriptor, each line with a single write(2) of
/// at most PIPE_BUF bytes, so lines of several threads and processes never mix.
///
/// Thread-safe. A write blocks as long as the reader of the descriptor does; its failure is ignored.
class Logger {
 public:
  /// `descriptor` stays the caller's and outlives the logger.
  Logger(int descriptor, LogSeverity minimum) : descriptor_(descriptor), minimum_(minimum) {}

  void SetMinimum(LogSeverity minimum) { minimum_.store(minimum, std::memory_order_relaxed); }
  void Log(absl::Time time, LogSeverity severity, absl::string_view event, LogFields fields) const;

 private:
  const int descriptor_;
  std::atomic<LogSeverity> minimum_;
};

/// Logs to standard error with the present time; from kInfo on unless SetLogLevel() says otherwise.
void LogDebug(absl::string_view event, LogFields fields = {});
void LogInfo(absl::string_view event, LogFields fields = {});
void LogWarning(absl::string_view event, LogFields fields = {});
void LogError(absl::string_view event, LogFields fields = {});
void SetLogLevel(LogSeverity minimum);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_TELEMETRY_LOG_H
