#include "cli/run_text.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "cli/time_text.h"

namespace signalbox::cli {
namespace {

constexpr std::size_t kTitleWidth = 40;

std::string Name(std::string_view name) { return std::string(name); }

// An ended run shows how it ended.
std::string StateText(const Run& run) {
  if (run.state != RunState::kEnded) return Name(ToString(run.state));
  return absl::StrCat(Name(ToString(run.state)), " ", Name(ToString(run.outcome)));
}

std::string TimeText(absl::Time time, const Style& style) {
  return style.terminal ? RelativeTime(time, style.now) : IsoTime(time);
}

// A terminal is told both how long ago and when exactly.
std::string BothTimes(absl::Time time, const Style& style) {
  if (!style.terminal || time == absl::InfiniteFuture()) return IsoTime(time);
  return absl::StrCat(IsoTime(time), " (", RelativeTime(time, style.now), ")");
}

void AppendField(std::string_view name, const std::string& text, std::string& out) {
  absl::StrAppendFormat(&out, "%-10s%s\n", std::string(name), text.empty() ? "-" : Printable(text));
}

}  // namespace

std::string RankName(const Run& run) { return absl::StrCat(run.project, "#", run.rank); }

std::string RunTable(const std::vector<Run>& runs, const Style& style) {
  Table table(
      {{"ID"}, {"RUN"}, {"STATE"}, {"PENDING"}, {"CREATED"}, {"TITLE", style.terminal ? kTitleWidth : 0}});
  for (const Run& run : runs) {
    table.AddRow({run.id, RankName(run), StateText(run), absl::StrCat(run.pending_count),
                  TimeText(run.create_time, style), run.title});
  }
  return table.Render();
}

std::string RunDetails(const Run& run, const Style& style) {
  std::string out;
  AppendField("id", run.id, out);
  AppendField("run", RankName(run), out);
  AppendField("title", run.title, out);
  AppendField("state", StateText(run), out);
  AppendField("created", BothTimes(run.create_time, style), out);
  AppendField("ended", BothTimes(run.end_time, style), out);
  AppendField("messages", absl::StrCat(run.head_sequence, ", ", run.pending_count, " pending"), out);
  for (const auto& [name, value] : run.labels) AppendField("label", absl::StrCat(name, "=", value), out);
  for (const KeyDeclaration& declaration : run.keys) {
    AppendField(
        "key",
        absl::StrCat(declaration.key, "  ", Name(ToString(declaration.kind)), "  ", declaration.description),
        out);
  }
  return out;
}

std::string KeyTable(const std::vector<KeyDeclaration>& keys) {
  Table table({{"KEY"}, {"KIND"}, {"DESCRIPTION"}});
  for (const KeyDeclaration& declaration : keys) {
    table.AddRow({declaration.key, Name(ToString(declaration.kind)), declaration.description});
  }
  return table.Render();
}

}  // namespace signalbox::cli
