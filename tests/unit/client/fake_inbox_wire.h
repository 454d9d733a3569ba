#ifndef SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_INBOX_WIRE_H
#define SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_INBOX_WIRE_H

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "fake_clock.h"
#include "inbox_wire.h"

namespace signalbox::internal {

/// Remembers what was started; what happens is what the test has put into `events`. When there is
/// nothing, Wait() lets the time pass.
class FakeInboxWire final : public InboxWire {
 public:
  explicit FakeInboxWire(FakeClock& clock) : clock_(clock) {}

  void OpenStream(const StreamRequest& request) override {
    streams.push_back(request);
    is_open = true;
  }
  void CloseStream() override { is_open = false; }
  void AbandonStream() override {
    is_open = false;
    ++abandoned;
  }
  void StartGetAll(const RunRef&, const std::vector<std::string>&, const std::string& page_token,
                   absl::Duration) override {
    page_tokens.push_back(page_token);
  }
  void StartAck(const AckBatch& batch, const std::string&, absl::Duration) override { acks.push_back(batch); }
  void StartDeclareKeys(const RunRef&, const std::vector<KeyDeclaration>& keys, absl::Duration) override {
    declared.push_back(keys);
  }
  WireEvent Wait(absl::Duration at_most) override {
    if (events.empty()) {
      clock_.Advance(at_most);
      return TimedOut{};
    }
    WireEvent event = std::move(events.front());
    events.pop_front();
    if (std::holds_alternative<StreamClosed>(event)) is_open = false;
    return event;
  }
  void Wake() override {}

  std::deque<WireEvent> events;
  bool is_open = false;
  int abandoned = 0;  // Streams, with their connections.
  std::vector<StreamRequest> streams;
  std::vector<std::string> page_tokens;
  std::vector<AckBatch> acks;
  std::vector<std::vector<KeyDeclaration>> declared;

 private:
  FakeClock& clock_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_INBOX_WIRE_H
