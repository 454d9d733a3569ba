// Redis Streams: XADD, pipelined on one connection.

#include <hiredis/hiredis.h>

#include <deque>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/bench/clock.h"
#include "tests/bench/command.h"
#include "tests/bench/sample.h"
#include "tests/bench/window.h"

namespace signalbox::bench {
namespace {

struct RedisOptions {
  std::string host = "127.0.0.1";
  int port = 6379;
  int pending = 256;
  WindowOptions window;
};

struct ContextCloser {
  void operator()(redisContext* context) const { redisFree(context); }
};
using ContextPtr = std::unique_ptr<redisContext, ContextCloser>;

// Keeps so many commands under way.
class Pipeline {
 public:
  Pipeline(redisContext* context, int pending)
      : context_(context), pending_(static_cast<std::size_t>(pending)) {}

  // What was answered within the time goes into `latencies`; what is left is answered at the end.
  absl::Status RunFor(double seconds, Latencies& latencies) {
    const int64_t end = Nanoseconds() + FromSeconds(seconds);
    while (Nanoseconds() < end) {
      while (sent_.size() < pending_) Send();
      if (absl::Status status = Receive(latencies); !status.ok()) return status;
    }
    while (!sent_.empty()) {
      if (absl::Status status = Receive(latencies); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  void Send() {
    const int64_t number = counter_.Next();
    redisAppendCommand(context_, "XADD run:%d * %s %s", static_cast<int>(Spread(number, kRuns)), kKey,
                       SampleValue(number).c_str());
    sent_.push_back(Nanoseconds());
  }

  absl::Status Receive(Latencies& latencies) {
    void* reply = nullptr;
    if (redisGetReply(context_, &reply) != REDIS_OK) return absl::UnavailableError(context_->errstr);
    const bool is_error = static_cast<redisReply*>(reply)->type == REDIS_REPLY_ERROR;
    const std::string text = is_error ? static_cast<redisReply*>(reply)->str : "";
    freeReplyObject(reply);
    if (is_error) return absl::InternalError(text);
    latencies.Add(Nanoseconds() - sent_.front());
    sent_.pop_front();
    return absl::OkStatus();
  }

  redisContext* context_;
  const std::size_t pending_;
  Counter counter_;
  std::deque<int64_t> sent_;
};

Result MeasureAdd(const RedisOptions& options) {
  const ContextPtr context(redisConnect(options.host.c_str(), options.port));
  if (context == nullptr || context->err != 0) return absl::UnavailableError("Redis does not answer");
  Pipeline pipeline(context.get(), options.pending);
  Latencies ignored;
  if (absl::Status status = pipeline.RunFor(options.window.warm_up, ignored); !status.ok()) return status;
  Latencies latencies;
  const CpuMeter cpu(options.window.server_pid);
  const int64_t begin = Nanoseconds();
  if (absl::Status status = pipeline.RunFor(options.window.seconds, latencies); !status.ok()) return status;
  return Summary(latencies, Nanoseconds() - begin, cpu);
}

}  // namespace

void AddRedis(CommandLine& line) {
  auto options = std::make_shared<RedisOptions>();
  CLI::App* command = AddCommand(line, "redis-publish", "XADD to streams of Redis, pipelined",
                                 [=] { return MeasureAdd(*options); });
  command->add_option("--host", options->host, "Redis");
  command->add_option("--port", options->port, "Its port");
  command->add_option("--pending", options->pending, "Commands under way at a time");
  AddWindowFlags(command, options->window);
}

}  // namespace signalbox::bench
