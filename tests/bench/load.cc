#include "tests/bench/load.h"

namespace signalbox::bench {

void AddLoadFlags(CLI::App* command, LoadOptions& options) {
  command->add_option("--address", options.address, "Server, HOST:PORT");
  command->add_option("--in-flight", options.in_flight, "Calls under way at a time")
      ->check(CLI::PositiveNumber);
  command->add_option("--connections", options.connections, "Connections that share them")
      ->check(CLI::PositiveNumber);
  AddWindowFlags(command, options.window);
}

}  // namespace signalbox::bench
