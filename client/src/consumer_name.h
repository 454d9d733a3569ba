#ifndef SIGNALBOX_SRC_CONSUMER_NAME_H
#define SIGNALBOX_SRC_CONSUMER_NAME_H

#include <string>

namespace signalbox::internal {

/// A name for this process that no other has: host:pid:random, at most 128 bytes.
std::string MakeConsumerName();

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_CONSUMER_NAME_H
