#ifndef SIGNALBOX_SERVICE_POSTGRES_NOTIFICATION_H
#define SIGNALBOX_SERVICE_POSTGRES_NOTIFICATION_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

// Payloads of the channel between replicas: "sender:12,13" tells that runs 12 and 13 have news, and
// "sender:probe7" is what a listener sends itself.

namespace signalbox::service {

/// A payload has less than 8,000 bytes; a number has at most 19, and a comma.
constexpr size_t kRunsPerNotification = 390;

/// At most kRunsPerNotification runs. `sender` holds no ':'.
std::string AnnouncementOf(std::string_view sender, absl::Span<const int64_t> run_nos);

/// `number` is above 0. `sender` holds no ':'.
std::string ProbeOf(std::string_view sender, int64_t number);

struct Notification {
  std::string sender;
  std::vector<int64_t> run_nos;  ///< All above 0.
  int64_t probe = 0;             ///< 0: it is none.
};

/// Takes any payload, because anybody who may connect may send on the channel: what is not a number
/// above 0 is left out. Pure.
Notification ParseNotification(std::string_view payload);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_NOTIFICATION_H
