// Payloads of the channel between replicas, on which anybody who may connect may send.
#include "service/postgres/notification.h"

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.h"
#include "service/domain/wire_bytes.h"

namespace signalbox::service {
namespace {

constexpr size_t kMostPayloadBytes = 7999;

void CheckParsing(std::string_view payload) {
  const Notification heard = ParseNotification(payload);
  SIGNALBOX_PROPERTY(payload.starts_with(heard.sender) && heard.sender.find(':') == std::string::npos);
  SIGNALBOX_PROPERTY(std::ranges::all_of(heard.run_nos, [](int64_t run_no) { return run_no > 0; }));
  SIGNALBOX_PROPERTY(heard.probe >= 0);
  SIGNALBOX_PROPERTY(heard.probe == 0 || heard.run_nos.empty());
}

// The input as numbers, after a sender of any length that the server's have.
void CheckRoundTrip(std::string_view bytes) {
  const std::string sender(64, 's');
  std::vector<int64_t> run_nos;
  for (; bytes.size() >= 8 && run_nos.size() < kRunsPerNotification; bytes.remove_prefix(8)) {
    const auto number = static_cast<int64_t>(ByteReader(bytes).Fixed(8) >> 1);
    if (number > 0) run_nos.push_back(number);
  }
  const std::string payload = AnnouncementOf(sender, run_nos);
  SIGNALBOX_PROPERTY(payload.size() <= kMostPayloadBytes);
  const Notification heard = ParseNotification(payload);
  SIGNALBOX_PROPERTY(heard.sender == sender && heard.run_nos == run_nos && heard.probe == 0);
  for (int64_t number : run_nos)
    SIGNALBOX_PROPERTY(ParseNotification(ProbeOf(sender, number)).probe == number);
}

}  // namespace
}  // namespace signalbox::service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = signalbox::fuzz::TextOf(data, size);
  signalbox::service::CheckParsing(text);
  signalbox::service::CheckRoundTrip(text);
  return 0;
}
