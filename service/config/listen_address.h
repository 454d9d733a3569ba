#ifndef SIGNALBOX_SERVICE_CONFIG_LISTEN_ADDRESS_H
#define SIGNALBOX_SERVICE_CONFIG_LISTEN_ADDRESS_H

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace signalbox::service {

enum class Reach { kThisMachine, kNetwork };

/// Who can reach a listener on `address`, which is host:port, [v6]:port or unix:/absolute/path. A host
/// name other than localhost counts as the network, because it may resolve to anything.
/// Pure. kInvalidArgument says what is wrong with the address.
absl::StatusOr<Reach> ReachOfListenAddress(absl::string_view address);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_CONFIG_LISTEN_ADDRESS_H
