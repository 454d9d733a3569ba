#include "service/config/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace signalbox::service {
namespace {

constexpr std::size_t kMaxSocketPathBytes = 107;  // sockaddr_un holds 108 with the NUL.
constexpr int kMaxPort = 65535;

absl::Status Malformed(absl::string_view address, absl::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", address, "' ", reason, "; write host:port, [v6]:port or unix:/path"));
}

absl::StatusOr<Reach> ReachOfSocketPath(absl::string_view address, absl::string_view path) {
  if (!absl::StartsWith(path, "/")) return Malformed(address, "needs an absolute path");
  if (path.size() > kMaxSocketPathBytes) {
    return Malformed(address, absl::StrCat("has a path above ", kMaxSocketPathBytes, " bytes"));
  }
  return Reach::kThisMachine;
}

bool IsPort(absl::string_view text) {
  int port = 0;
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text.front()))) return false;
  return absl::SimpleAtoi(text, &port) && port <= kMaxPort;
}

Reach ReachOfV4(const in_addr& host) {
  constexpr unsigned kLoopbackNetwork = 127;
  return ntohl(host.s_addr) >> 24U == kLoopbackNetwork ? Reach::kThisMachine : Reach::kNetwork;
}

Reach ReachOfV6(const in6_addr& host) {
  return IN6_IS_ADDR_LOOPBACK(&host) != 0 ? Reach::kThisMachine : Reach::kNetwork;
}

}  // namespace

absl::StatusOr<Reach> ReachOfListenAddress(absl::string_view address) {
  absl::string_view rest = address;
  if (absl::ConsumePrefix(&rest, "unix:")) return ReachOfSocketPath(address, rest);

  const std::size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return Malformed(address, "has no port");
  absl::string_view host = address.substr(0, colon);
  if (!IsPort(address.substr(colon + 1))) {
    return Malformed(address, absl::StrCat("needs a port from 0 to ", kMaxPort));
  }
  const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  in6_addr v6{};
  if (bracketed) {
    if (inet_pton(AF_INET6, std::string(host).c_str(), &v6) != 1) {
      return Malformed(address, "has no IPv6 address in its brackets");
    }
    return ReachOfV6(v6);
  }
  if (host.empty()) return Malformed(address, "has no host");
  if (host.find_first_of(":/[]@ ") != absl::string_view::npos) {
    return Malformed(address, "has no valid host (an IPv6 address goes in brackets)");
  }
  in_addr v4{};
  if (inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1) return ReachOfV4(v4);
  return absl::EqualsIgnoreCase(host, "localhost") ? Reach::kThisMachine : Reach::kNetwork;
}

}  // namespace signalbox::service
