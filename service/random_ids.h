#ifndef SIGNALBOX_SERVICE_RANDOM_IDS_H
#define SIGNALBOX_SERVICE_RANDOM_IDS_H

#include <cstdint>
#include <functional>
#include <string>

namespace signalbox::service {

/// Makes the random part of message ids; see MessageId::nonce. Not thread-safe, seeded by the system.
std::function<int64_t()> NonceSource();

/// A run id: 10 base-32 characters, at least one of them a letter. Thread-safe.
std::string MakeRunId();

/// The name of this replica towards others. Thread-safe.
std::string MakeSenderName();

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RANDOM_IDS_H
