// Addresses, which decide whether the server may listen and whether the client may send a token.
#include "address.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "fuzz.h"
#include "service/config/listen_address.h"

namespace {

using signalbox::internal::IsLoopback;
using signalbox::service::Reach;
using signalbox::service::ReachOfListenAddress;

// Every spelling of this machine has one of these in it: 127.0.0.1 and ::1 have many.
bool MentionsThisMachine(const std::string& address) {
  const std::string lower = absl::AsciiStrToLower(address);
  return absl::StrContains(lower, "unix") || absl::StrContains(lower, "localhost") ||
         absl::StrContains(lower, "1");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string address(signalbox::fuzz::TextOf(data, size));
  const bool is_loopback = IsLoopback(address);
  if (address.find('\0') != std::string::npos) {
    // gRPC would not see what follows. The server's flags are C strings themselves.
    SIGNALBOX_PROPERTY(!is_loopback);
    return 0;
  }
  const absl::StatusOr<Reach> reach = ReachOfListenAddress(address);
  if (!reach.ok()) {
    SIGNALBOX_PROPERTY(absl::IsInvalidArgument(reach.status()));
    SIGNALBOX_PROPERTY(absl::StrContains(reach.status().message(), address));
  }
  const bool is_this_machine = reach.ok() && *reach == Reach::kThisMachine;
  if (is_loopback || is_this_machine) SIGNALBOX_PROPERTY(MentionsThisMachine(address));
  // The client is the stricter one: where it sends a token, the server agrees. It does not know abstract
  // sockets, and takes the scheme for the name of a host.
  const bool is_abstract = absl::StartsWith(address, "unix-abstract:");
  if (is_loopback && reach.ok() && !is_abstract) SIGNALBOX_PROPERTY(is_this_machine);
  // One address among several is enough to leave the machine.
  SIGNALBOX_PROPERTY(!IsLoopback("ipv4:10.0.0.1:1," + address));
  SIGNALBOX_PROPERTY(!IsLoopback("dns://8.8.8.8/" + address));
  return 0;
}
