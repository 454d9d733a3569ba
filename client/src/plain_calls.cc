#include "plain_calls.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/time/clock.h"
#include "request_rules.h"
#include "retry.h"

namespace signalbox::internal {
namespace {

// The longest that one Await waits, so that no proxy takes it for dead; the server allows 5 minutes.
constexpr absl::Duration kAwaitSlice = absl::Seconds(50);

// What is asked for in one page; the server's limit.
constexpr int kMaxPageSize = 1000;

int PageSize(int limit, std::size_t have) {
  if (limit <= 0) return kMaxPageSize;
  return std::min(kMaxPageSize, limit - static_cast<int>(have));
}

// Follows pages until the last one, or until there are `limit` items; 0 means no limit.
template <typename Item, typename Page, typename Fetch>
absl::StatusOr<std::vector<Item>> AllPages(int limit, std::vector<Item> Page::*items, Fetch fetch) {
  std::vector<Item> all;
  std::string page_token;
  do {
    absl::StatusOr<Page> page = fetch(PageSize(limit, all.size()), page_token);
    if (!page.ok()) return page.status();
    std::vector<Item>& more = (*page).*items;
    std::move(more.begin(), more.end(), std::back_inserter(all));
    page_token = std::move(page->next_page_token);
  } while (!page_token.empty() && (limit <= 0 || all.size() < static_cast<std::size_t>(limit)));
  return all;
}

// Checks what only this side can check, and makes the request id before the first try: a try whose
// answer got lost must not publish a second message.
absl::Status PrepareForTries(PublishRequest& request) {
  if (absl::Status status = CheckText("key", request.key); !status.ok()) return status;
  if (absl::Status status = CheckText("reason", request.reason); !status.ok()) return status;
  if (absl::Status status = CheckText("request_id", request.request_id); !status.ok()) return status;
  if (absl::Status status = CheckValue("value", request.value); !status.ok()) return status;
  if (request.request_id.empty()) request.request_id = TimeOrderedId(absl::Now());
  return absl::OkStatus();
}

}  // namespace

PlainCalls::PlainCalls(MessageStub& stub, Clock& clock, RandomFraction random, absl::Duration default_timeout)
    : stub_(stub), clock_(clock), random_(std::move(random)), default_timeout_(default_timeout) {}

template <typename Call>
auto PlainCalls::Retry(Timeout timeout, Call call) -> decltype(call(absl::Duration())) {
  return CallWithRetry(clock_, random_, {timeout.value_or(default_timeout_)}, call,
                       [this](absl::Duration wait) { stub_.Pause(wait); });
}

absl::StatusOr<PublishResult> PlainCalls::Publish(PublishRequest request, Timeout timeout) {
  if (absl::Status status = PrepareForTries(request); !status.ok()) return status;
  return Retry(timeout, [&](absl::Duration left) { return stub_.Publish(request, left); });
}

std::vector<absl::StatusOr<PublishResult>> PlainCalls::PublishMany(std::vector<PublishRequest> requests,
                                                                   Timeout timeout) {
  std::vector<absl::StatusOr<PublishResult>> results(
      requests.size(), absl::DeadlineExceededError("not sent: the deadline passed before its turn"));
  std::vector<const PublishRequest*> waiting;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (absl::Status status = PrepareForTries(requests[i]); !status.ok()) {
      results[i] = status;
    } else {
      waiting.push_back(&requests[i]);
    }
  }
  const auto result_of = [&](const PublishRequest* request) -> absl::StatusOr<PublishResult>& {
    return results[static_cast<std::size_t>(request - requests.data())];
  };

  const Instant deadline = clock_.Now() + timeout.value_or(default_timeout_);
  Backoff backoff(RetryOptions{}.backoff, random_);
  while (!waiting.empty() && clock_.Now() < deadline) {
    auto answers = stub_.PublishMany(waiting, deadline - clock_.Now());
    for (std::size_t i = 0; i < answers.size(); ++i) result_of(waiting[i]) = std::move(answers[i]);
    // What is to be tried again stays before what was not sent yet, so that the order stays.
    const auto sent_end = waiting.begin() + static_cast<std::ptrdiff_t>(answers.size());
    const auto again_end = std::remove_if(waiting.begin(), sent_end, [&](const PublishRequest* request) {
      return !IsRetryable(result_of(request).status().code());
    });
    const bool is_over = again_end == waiting.begin();
    waiting.erase(again_end, sent_end);
    if (is_over) continue;
    const absl::Duration wait = backoff.Next();
    if (clock_.Now() + wait >= deadline) break;
    stub_.Pause(wait);
  }
  return results;
}

absl::StatusOr<GetResult> PlainCalls::Get(const RunRef& run, const std::string& key, Timeout timeout) {
  if (absl::Status status = CheckText("key", key); !status.ok()) return status;
  return Retry(timeout, [&](absl::Duration left) { return stub_.Get(run, key, left); });
}

absl::StatusOr<std::vector<Message>> PlainCalls::GetAll(const RunRef& run,
                                                        const std::vector<std::string>& keys,
                                                        Timeout timeout) {
  const Instant deadline = clock_.Now() + timeout.value_or(default_timeout_);
  return AllPages(0, &MessagePage::messages, [&](int, const std::string& page_token) {
    return Retry(deadline - clock_.Now(),
                 [&](absl::Duration left) { return stub_.GetAll(run, keys, page_token, left); });
  });
}

absl::StatusOr<std::vector<AckResult>> PlainCalls::Ack(const std::vector<std::string>& message_ids,
                                                       const std::string& consumer, const signalbox::Ack& ack,
                                                       Timeout timeout) {
  if (absl::Status status = CheckText("consumer", consumer); !status.ok()) return status;
  if (absl::Status status = CheckText("error", ack.error); !status.ok()) return status;
  if (ack.reply.has_value()) {
    if (absl::Status status = CheckValue("reply", *ack.reply); !status.ok()) return status;
  }
  return Retry(timeout, [&](absl::Duration left) { return stub_.Ack(message_ids, consumer, ack, left); });
}

absl::StatusOr<Message> PlainCalls::Await(const std::string& message_id, absl::Duration wait,
                                          AwaitUntil until) {
  if (wait < absl::ZeroDuration()) return absl::InvalidArgumentError("wait: must not be negative");
  const Instant wait_until = clock_.Now() + wait;
  while (true) {
    // An answer is given the usual time to arrive after the wait is over; a server that is away is
    // waited for as long as the caller would wait anyway.
    const absl::Duration rest = std::max(wait_until - clock_.Now(), absl::ZeroDuration());
    absl::StatusOr<Message> message = Retry(rest + default_timeout_, [&](absl::Duration) {
      const absl::Duration left = std::max(wait_until - clock_.Now(), absl::ZeroDuration());
      const absl::Duration slice = std::min(left, kAwaitSlice);
      return stub_.Await(message_id, until, slice, slice + default_timeout_);
    });
    if (!message.ok() || clock_.Now() >= wait_until) return message;
    const bool is_reached =
        until == AwaitUntil::kAcked ? message->state != MessageState::kPending : IsFinal(message->state);
    if (is_reached) return message;
  }
}

absl::StatusOr<Message> PlainCalls::Cancel(const std::string& message_id, const std::string& reason,
                                           Timeout timeout) {
  if (absl::Status status = CheckText("reason", reason); !status.ok()) return status;
  return Retry(timeout, [&](absl::Duration left) { return stub_.Cancel(message_id, reason, left); });
}

absl::StatusOr<std::vector<Message>> PlainCalls::ListMessages(const ListMessagesRequest& request,
                                                              Timeout timeout) {
  if (request.limit < 0) return absl::InvalidArgumentError("limit: must not be negative");
  const Instant deadline = clock_.Now() + timeout.value_or(default_timeout_);
  return AllPages(request.limit, &MessagePage::messages, [&](int page_size, const std::string& page_token) {
    return Retry(deadline - clock_.Now(), [&](absl::Duration left) {
      return stub_.ListMessages(request, page_size, page_token, left);
    });
  });
}

absl::StatusOr<Run> PlainCalls::CreateRun(const CreateRunRequest& request, Timeout timeout) {
  if (absl::Status status = CheckText("title", request.title); !status.ok()) return status;
  for (const auto& [name, value] : request.labels) {
    if (absl::Status status = CheckText("labels", name); !status.ok()) return status;
    if (absl::Status status = CheckText("labels", value); !status.ok()) return status;
  }
  const std::string request_id = TimeOrderedId(absl::Now());
  return Retry(timeout, [&](absl::Duration left) { return stub_.CreateRun(request, request_id, left); });
}

absl::StatusOr<Run> PlainCalls::GetRun(const RunRef& run, Timeout timeout) {
  return Retry(timeout, [&](absl::Duration left) { return stub_.GetRun(run, left); });
}

absl::StatusOr<std::vector<Run>> PlainCalls::ListRuns(const ListRunsRequest& request, Timeout timeout) {
  if (request.limit < 0) return absl::InvalidArgumentError("limit: must not be negative");
  const Instant deadline = clock_.Now() + timeout.value_or(default_timeout_);
  return AllPages(request.limit, &RunPage::runs, [&](int page_size, const std::string& page_token) {
    return Retry(deadline - clock_.Now(),
                 [&](absl::Duration left) { return stub_.ListRuns(request, page_size, page_token, left); });
  });
}

absl::StatusOr<Run> PlainCalls::EndRun(const RunRef& run, RunOutcome outcome, Timeout timeout) {
  return Retry(timeout, [&](absl::Duration left) { return stub_.EndRun(run, outcome, left); });
}

absl::StatusOr<Run> PlainCalls::DeclareKeys(const RunRef& run, const std::vector<KeyDeclaration>& keys,
                                            Timeout timeout) {
  for (const KeyDeclaration& key : keys) {
    if (absl::Status status = CheckText("keys.key", key.key); !status.ok()) return status;
    if (absl::Status status = CheckText("keys.description", key.description); !status.ok()) return status;
  }
  return Retry(timeout, [&](absl::Duration left) { return stub_.DeclareKeys(run, keys, left); });
}

}  // namespace signalbox::internal
