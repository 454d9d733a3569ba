#ifndef SIGNALBOX_TESTS_BENCH_PUBLISHING_H
#define SIGNALBOX_TESTS_BENCH_PUBLISHING_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "signalbox/v1/message_service.grpc.pb.h"
#include "tests/bench/closed_loop.h"

namespace signalbox::bench {

/// Fills the next request; false when there is none. Called on several threads.
using NextPublish = std::function<bool(v1::PublishRequest&)>;

/// Fills a request, with an id of its own as the client library does.
void FillPublish(const std::string& run_id, int64_t number, int value_bytes, v1::PublishRequest& request);

/// Slots that publish; `examine` may be empty.
std::vector<std::unique_ptr<Slot>> PublishSlots(
    const std::vector<std::unique_ptr<v1::MessageService::Stub>>& stubs, int in_flight, NextPublish next,
    std::function<absl::Status(const v1::PublishResponse&)> examine = {});

/// Publishes messages numbered from 0 to the runs that `run_of` names; returns their ids, in the order
/// of the answers.
absl::StatusOr<std::vector<std::string>> PublishAll(const std::string& address, int64_t count,
                                                    const std::function<std::string(int64_t)>& run_of);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_PUBLISHING_H
