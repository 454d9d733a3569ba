// In place of redis.cc when its library is not installed.

#include "tests/bench/command.h"

namespace signalbox::bench {

void AddRedis(CommandLine& line) { AddMissing(line, {"redis-publish"}, "libhiredis-dev"); }

}  // namespace signalbox::bench
