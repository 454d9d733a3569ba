#ifndef SIGNALBOX_SERVICE_RANDOM_IDS_H
#define SIGNALBOX_SERVICE_RANDOM_IDS_H

#include <cstdint>
#include <string>

namespace signalbox::service {

/// The random part of a message id; see MessageId::nonce. Thread-safe, seeded by the system.
int64_t MakeNonce();

/// A run id: 10 base-32 characters, at least one of them a letter. Thread-safe.
std::string MakeRunId();

/// The name of this replica towards others. Thread-safe.
std::string MakeSenderName();

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RANDOM_IDS_H
