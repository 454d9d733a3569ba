// NATS JetStream with a file store, through its own library.

#include <nats/nats.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/sample.h"
#include "tests/bench/window.h"

namespace signalbox::bench {
namespace {

struct NatsOptions {
  std::string url = "nats://127.0.0.1:4222";
  int pending = 256;
  WindowOptions window;
};

struct ConnectionCloser {
  void operator()(natsConnection* connection) const { natsConnection_Destroy(connection); }
};
struct JetStreamCloser {
  void operator()(jsCtx* jet_stream) const { jsCtx_Destroy(jet_stream); }
};
using ConnectionPtr = std::unique_ptr<natsConnection, ConnectionCloser>;
using JetStreamPtr = std::unique_ptr<jsCtx, JetStreamCloser>;

absl::Status ToStatus(natsStatus status) {
  return status == NATS_OK ? absl::OkStatus() : absl::UnavailableError(natsStatus_GetText(status));
}

// A stream of its own for the subjects of all runs.
absl::Status MakeStream(jsCtx* jet_stream) {
  js_DeleteStream(jet_stream, "BENCH", nullptr, nullptr);  // Of an earlier round, if there is one.
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const char* subject = "run.>";
  config.Name = "BENCH";
  config.Subjects = &subject;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  return ToStatus(js_AddStream(nullptr, jet_stream, &config, nullptr, nullptr));
}

// Publishes until the time is over, and waits for all acknowledgements; returns how many it published.
absl::StatusOr<int64_t> PublishFor(jsCtx* jet_stream, double seconds) {
  const int64_t end = Nanoseconds() + FromSeconds(seconds);
  int64_t number = 0;
  for (; Nanoseconds() < end; ++number) {
    const std::string subject = absl::StrCat("run.", Spread(number, kRuns), ".", kKey);
    const std::string value = SampleValue(number);
    absl::Status status = ToStatus(
        js_PublishAsync(jet_stream, subject.c_str(), value.data(), static_cast<int>(value.size()), nullptr));
    if (!status.ok()) return status;
  }
  if (absl::Status status = ToStatus(js_PublishAsyncComplete(jet_stream, nullptr)); !status.ok())
    return status;
  natsMsgList unacknowledged;
  if (js_PublishAsyncGetPendingList(&unacknowledged, jet_stream) != NATS_NOT_FOUND) {
    natsMsgList_Destroy(&unacknowledged);
    return absl::UnavailableError("not everything was acknowledged");
  }
  return number;
}

Result MeasurePublish(const NatsOptions& options) {
  natsConnection* connection = nullptr;
  if (absl::Status status = ToStatus(natsConnection_ConnectTo(&connection, options.url.c_str()));
      !status.ok()) {
    return status;
  }
  const ConnectionPtr connection_owner(connection);
  jsOptions settings;
  jsOptions_Init(&settings);
  settings.PublishAsync.MaxPending = options.pending;
  settings.Wait = 20'000;
  jsCtx* jet_stream = nullptr;
  absl::Status status = ToStatus(natsConnection_JetStream(&jet_stream, connection, &settings));
  if (!status.ok()) return status;
  const JetStreamPtr jet_stream_owner(jet_stream);
  status = MakeStream(jet_stream);
  if (!status.ok()) return status;

  if (const auto warmed = PublishFor(jet_stream, options.window.warm_up); !warmed.ok())
    return warmed.status();
  const CpuMeter cpu(options.window.server_pid);
  const int64_t begin = Nanoseconds();
  const auto published = PublishFor(jet_stream, options.window.seconds);
  if (!published.ok()) return published.status();
  const double seconds = static_cast<double>(Nanoseconds() - begin) / 1e9;
  const auto count = static_cast<double>(*published);
  nlohmann::json result = {{"rate", count / seconds}, {"count", *published}, {"seconds", seconds}};
  result.update(cpu.PerOperation(count));
  return result;
}

}  // namespace

void AddNats(CommandLine& line) {
  auto options = std::make_shared<NatsOptions>();
  CLI::App* command = AddCommand(line, "nats-publish", "Asynchronous publishes to a JetStream on disk",
                                 [=] { return MeasurePublish(*options); });
  command->add_option("--url", options->url, "NATS, nats://HOST:PORT");
  command->add_option("--pending", options->pending,
                      "Publishes that wait for their acknowledgement at a time");
  AddWindowFlags(command, options->window);
}

}  // namespace signalbox::bench
