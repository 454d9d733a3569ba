#ifndef SIGNALBOX_TESTS_UNIT_SERVICE_FEED_EVENT_TEXT_H
#define SIGNALBOX_TESTS_UNIT_SERVICE_FEED_EVENT_TEXT_H

#include <string>

#include "absl/strings/str_cat.h"
#include "service/feed/subscriber.h"

namespace signalbox::service {

/// An event in a few characters, so that a test reads as a list of what a stream says:
/// "message 3", "withdrawn 2", "synced 3+2" (sequence + change), "at 3+2 of 9", "stale …", "ended 1".
inline std::string Text(const FeedEvent& event) {
  if (const auto* message = std::get_if<MessagePtr>(&event))
    return absl::StrCat("message ", (*message)->id.sequence);
  if (const auto* withdrawal = std::get_if<Withdrawal>(&event))
    return absl::StrCat("withdrawn ", withdrawal->id.sequence);
  if (const auto* ended = std::get_if<RunEndedEvent>(&event))
    return absl::StrCat("ended ", static_cast<int>(ended->outcome));
  const auto& progress = std::get<ProgressEvent>(event);
  std::string text = progress.stale ? "stale " : "";
  absl::StrAppend(&text, progress.synced ? "synced " : "at ", progress.position.sequence, "+",
                  progress.position.change);
  if (progress.head_sequence != progress.position.sequence)
    absl::StrAppend(&text, " of ", progress.head_sequence);
  return text;
}

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_UNIT_SERVICE_FEED_EVENT_TEXT_H
