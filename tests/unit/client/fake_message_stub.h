#ifndef SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_MESSAGE_STUB_H
#define SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_MESSAGE_STUB_H

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fake_clock.h"
#include "message_stub.h"

namespace signalbox::internal {

/// Fails as often as told, then answers; remembers what it was asked.
class FakeMessageStub final : public MessageStub {
 public:
  explicit FakeMessageStub(FakeClock& clock) : clock_(clock) {}

  void Pause(absl::Duration wait) override { clock_.Sleep(wait); }
  absl::StatusOr<PublishResult> Publish(const PublishRequest& request, absl::Duration) override {
    request_ids.push_back(request.request_id);
    if (Fails()) return failure;
    return PublishResult{};
  }
  std::vector<absl::StatusOr<PublishResult>> PublishMany(std::span<const PublishRequest* const> requests,
                                                         absl::Duration timeout) override {
    std::vector<absl::StatusOr<PublishResult>> results;
    std::vector<std::string>& call = calls_of_many.emplace_back();
    if (on_publish_many) on_publish_many(timeout);
    const bool fails = Fails();
    for (const PublishRequest* request : requests.first(std::min(requests.size(), most_of_many))) {
      call.push_back(request->key);
      request_ids.push_back(request->request_id);
      if (fails) {
        results.emplace_back(failure);
      } else if (auto found = outcomes_of_keys.find(request->key); found != outcomes_of_keys.end()) {
        results.emplace_back(found->second);
        outcomes_of_keys.erase(found);
      } else {
        results.emplace_back(PublishResult{});
        results.back()->message.key = request->key;
      }
    }
    return results;
  }
  absl::StatusOr<GetResult> Get(const RunRef&, const std::string&, absl::Duration) override {
    if (Fails()) return failure;
    return GetResult{};
  }
  absl::StatusOr<MessagePage> GetAll(const RunRef&, const std::vector<std::string>&,
                                     const std::string& page_token, absl::Duration) override {
    return NextPage(0, page_token);
  }
  absl::StatusOr<std::vector<AckResult>> Ack(const std::vector<std::string>&, const std::string&,
                                             const signalbox::Ack&, absl::Duration) override {
    if (Fails()) return failure;
    return std::vector<AckResult>{};
  }
  absl::StatusOr<Message> Await(const std::string&, AwaitUntil, absl::Duration wait,
                                absl::Duration) override {
    waits.push_back(wait);
    if (Fails()) return failure;
    if (on_await) on_await(wait);
    return awaited;
  }
  absl::StatusOr<Message> Cancel(const std::string&, const std::string&, absl::Duration) override {
    if (Fails()) return failure;
    return Message{};
  }
  absl::StatusOr<MessagePage> ListMessages(const ListMessagesRequest&, int page_size,
                                           const std::string& page_token, absl::Duration) override {
    return NextPage(page_size, page_token);
  }
  absl::StatusOr<Run> CreateRun(const CreateRunRequest&, const std::string& request_id,
                                absl::Duration) override {
    request_ids.push_back(request_id);
    if (Fails()) return failure;
    return Run{};
  }
  absl::StatusOr<Run> GetRun(const RunRef&, absl::Duration) override { return Run{}; }
  absl::StatusOr<RunPage> ListRuns(const ListRunsRequest&, int, const std::string&, absl::Duration) override {
    return RunPage{};
  }
  absl::StatusOr<Run> EndRun(const RunRef&, RunOutcome, absl::Duration) override { return Run{}; }
  absl::StatusOr<Run> DeclareKeys(const RunRef&, const std::vector<KeyDeclaration>&,
                                  absl::Duration) override {
    return Run{};
  }

  int failures = 0;  ///< How many calls fail from now on.
  absl::Status failure = absl::UnavailableError("away");
  std::vector<std::string> request_ids;
  std::size_t most_of_many = 1000;                            ///< Of one PublishMany.
  std::vector<std::vector<std::string>> calls_of_many;        ///< The keys of each PublishMany.
  std::multimap<std::string, absl::Status> outcomes_of_keys;  ///< In PublishMany, each used once.
  std::function<void(absl::Duration)> on_publish_many;
  std::vector<absl::Duration> waits;
  std::function<void(absl::Duration)> on_await;
  Message awaited;
  std::deque<MessagePage> pages;
  std::vector<int> page_sizes;
  std::vector<std::string> page_tokens;

 private:
  bool Fails() {
    if (failures == 0) return false;
    --failures;
    return true;
  }

  absl::StatusOr<MessagePage> NextPage(int page_size, const std::string& page_token) {
    if (Fails()) return failure;
    page_sizes.push_back(page_size);
    page_tokens.push_back(page_token);
    MessagePage page = std::move(pages.front());
    pages.pop_front();
    return page;
  }

  FakeClock& clock_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_TESTS_UNIT_CLIENT_FAKE_MESSAGE_STUB_H
