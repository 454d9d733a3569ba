#ifndef SIGNALBOX_SRC_ADDRESS_H
#define SIGNALBOX_SRC_ADDRESS_H

#include <string_view>

namespace signalbox::internal {

/// Whether `address`, a gRPC target, names this very machine: localhost, 127.0.0.0/8, ::1 or a Unix
/// socket, with or without a port and a scheme. Looks at the text only; resolves nothing.
bool IsLoopback(std::string_view address);

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_ADDRESS_H
