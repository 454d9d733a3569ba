#ifndef SIGNALBOX_TESTS_BENCH_LOAD_H
#define SIGNALBOX_TESTS_BENCH_LOAD_H

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/channel.h"
#include "tests/bench/window.h"

namespace signalbox::bench {

/// How a server of gRPC is loaded.
struct LoadOptions {
  std::string address = "127.0.0.1:50051";
  int in_flight = 256;
  int connections = 1;
  WindowOptions window;
};

/// Adds --address, --in-flight, --connections and the flags of the window.
void AddLoadFlags(CLI::App* command, LoadOptions& options);

/// Stubs of `Service`, a connection each.
template <class Service>
std::vector<std::unique_ptr<typename Service::Stub>> Stubs(const std::string& address, int connections = 1) {
  std::vector<std::unique_ptr<typename Service::Stub>> stubs;
  for (int i = 0; i < connections; ++i) stubs.push_back(Service::NewStub(NewChannel(address)));
  return stubs;
}

/// The stub that a slot uses.
template <class Stub>
Stub* StubOf(const std::vector<std::unique_ptr<Stub>>& stubs, int slot) {
  return stubs[static_cast<std::size_t>(slot) % stubs.size()].get();
}

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_LOAD_H
