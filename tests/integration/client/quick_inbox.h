#ifndef SIGNALBOX_TESTS_INTEGRATION_CLIENT_QUICK_INBOX_H
#define SIGNALBOX_TESTS_INTEGRATION_CLIENT_QUICK_INBOX_H

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "signalbox/client.h"

namespace signalbox {

// Inboxes of a SmallServer's run, for which everything is ten times as fast as in real life.

inline bool Eventually(const std::function<bool()>& condition, absl::Duration within = absl::Seconds(10)) {
  const absl::Time deadline = absl::Now() + within;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

inline std::unique_ptr<Client> MakeClient(const std::string& address) {
  ClientOptions options;
  options.address = address;
  auto client = Client::Create(options);
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

inline InboxOptions QuickOptions() {
  InboxOptions options;
  options.run = RunRef::ById("r1");
  options.refresh_interval = absl::Milliseconds(500);
  options.silence_timeout = absl::Milliseconds(3000);
  options.min_backoff = absl::Milliseconds(10);
  options.max_backoff = absl::Milliseconds(500);
  return options;
}

inline std::unique_ptr<Inbox> Open(Client& client, InboxOptions options = QuickOptions()) {
  auto inbox = client.OpenInbox(std::move(options));
  EXPECT_TRUE(inbox.ok()) << inbox.status();
  return *std::move(inbox);
}

}  // namespace signalbox

#endif  // SIGNALBOX_TESTS_INTEGRATION_CLIENT_QUICK_INBOX_H
