// In place of nats.cc when its library is not installed.

#include "tests/bench/command.h"

namespace signalbox::bench {

void AddNats(CommandLine& line) { AddMissing(line, {"nats-publish"}, "libnats-dev"); }

}  // namespace signalbox::bench
