// A program of somebody else's, built against the installed library alone.
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signalbox/client.h"

int main() {
  signalbox::ClientOptions options;
  options.address = "127.0.0.1:1";  // Nobody listens there.
  absl::StatusOr<std::unique_ptr<signalbox::Client>> client = signalbox::Client::Create(std::move(options));
  if (!client.ok()) return 1;

  signalbox::InboxOptions inbox_options;
  inbox_options.run = signalbox::RunRef::ById("r1");
  absl::StatusOr<std::unique_ptr<signalbox::Inbox>> inbox = (*client)->OpenInbox(inbox_options);
  if (!inbox.ok()) return 2;
  if ((*inbox)->Get("learning-rate").has_value()) return 3;

  signalbox::PublishRequest request;
  request.run = signalbox::RunRef::ById("r1");
  request.key = "learning-rate";
  request.value = 0.001;
  const absl::Status refused = (*client)->Publish(request, absl::Milliseconds(200)).status();
  if (!absl::IsUnavailable(refused) && !absl::IsDeadlineExceeded(refused)) return 4;

  std::printf("%s\n", signalbox::Value(signalbox::Value::Object{{"rate", 0.001}}).ToJson().c_str());
  return 0;
}
