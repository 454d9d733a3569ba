#ifndef SIGNALBOX_TESTS_BENCH_CHANNEL_H
#define SIGNALBOX_TESTS_BENCH_CHANNEL_H

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace signalbox::bench {

/// A connection of its own, which is made when it is first used.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_CHANNEL_H
