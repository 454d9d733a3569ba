#include "service/telemetry/log.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace signalbox::service {
namespace {

// PIPE_BUF on Linux: a longer write to a pipe may be torn apart.
constexpr std::size_t kMaxLineBytes = 4096;

// Escaping makes a byte up to six bytes long, so a line of several long texts needs a second try.
constexpr std::size_t kTextLimits[] = {1024, 256, 64, 16};

const char* NameOf(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kDebug:
      return "DEBUG";
    case LogSeverity::kInfo:
      return "INFO";
    case LogSeverity::kWarning:
      return "WARNING";
    case LogSeverity::kError:
      return "ERROR";
  }
  return "ERROR";
}

// At most `limit` bytes of `text`, without half a character at the cut.
std::string Shortened(absl::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  static constexpr char kMark[] = "…";
  std::size_t end = limit - (sizeof(kMark) - 1);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return absl::StrCat(text.substr(0, end), kMark);
}

template <typename Number>
Number JsonOf(Number number, std::size_t /*limit*/) {
  return number;
}

std::string JsonOf(absl::string_view text, std::size_t limit) { return Shortened(text, limit); }

nlohmann::ordered_json Head(absl::Time time, LogSeverity severity, absl::string_view event) {
  return {{"time", absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", time, absl::UTCTimeZone())},
          {"severity", NameOf(severity)},
          {"event", std::string(event)}};
}

std::string Line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string FormatLogLine(absl::Time time, LogSeverity severity, absl::string_view event, LogFields fields) {
  for (const std::size_t limit : kTextLimits) {
    nlohmann::ordered_json json = Head(time, severity, event);
    for (const LogField& field : fields) {
      nlohmann::ordered_json& slot = json[std::string(field.name)];
      std::visit([&slot, limit](const auto& value) { slot = JsonOf(value, limit); }, field.value);
    }
    std::string line = Line(json);
    if (line.size() <= kMaxLineBytes) return line;
  }
  nlohmann::ordered_json json = Head(time, severity, Shortened(event, kTextLimits[1]));
  json["fields_left_out"] = fields.size();
  return Line(json);
}

void Logger::Log(absl::Time time, LogSeverity severity, absl::string_view event, LogFields fields) const {
  if (severity < minimum_.load(std::memory_order_relaxed)) return;
  const std::string line = FormatLogLine(time, severity, event, fields);
  while (write(descriptor_, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

namespace {

Logger& StandardError() {
  static Logger logger(STDERR_FILENO, LogSeverity::kInfo);
  return logger;
}

}  // namespace

void LogDebug(absl::string_view event, LogFields fields) {
  StandardError().Log(absl::Now(), LogSeverity::kDebug, event, fields);
}

void LogInfo(absl::string_view event, LogFields fields) {
  StandardError().Log(absl::Now(), LogSeverity::kInfo, event, fields);
}

void LogWarning(absl::string_view event, LogFields fields) {
  StandardError().Log(absl::Now(), LogSeverity::kWarning, event, fields);
}

void LogError(absl::string_view event, LogFields fields) {
  StandardError().Log(absl::Now(), LogSeverity::kError, event, fields);
}

void SetLogLevel(LogSeverity minimum) { StandardError().SetMinimum(minimum); }

}  // namespace signalbox::service
