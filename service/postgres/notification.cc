#include "service/postgres/notification.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace signalbox::service {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// 0 when `text` is no number above 0.
int64_t NumberOf(absl::string_view text) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) && number > 0 ? number : 0;
}

}  // namespace

std::string AnnouncementOf(std::string_view sender, absl::Span<const int64_t> run_nos) {
  return absl::StrCat(View(sender), ":", absl::StrJoin(run_nos, ","));
}

std::string ProbeOf(std::string_view sender, int64_t number) {
  return absl::StrCat(View(sender), ":probe", number);
}

Notification ParseNotification(std::string_view payload) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(View(payload), absl::MaxSplits(':', 1));
  Notification notification = {.sender = std::string(parts.first)};
  absl::string_view text = parts.second;
  if (absl::ConsumePrefix(&text, "probe")) {
    notification.probe = NumberOf(text);
    return notification;
  }
  for (absl::string_view number : absl::StrSplit(text, ',')) {
    if (const int64_t run_no = NumberOf(number); run_no > 0) notification.run_nos.push_back(run_no);
  }
  return notification;
}

}  // namespace signalbox::service
