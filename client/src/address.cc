#include "address.h"

#include <arpa/inet.h>

#include <string>

namespace signalbox::internal {
namespace {

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// "[::1]:50051", "::1", "localhost:50051" without the port and the brackets.
std::string HostOf(std::string_view target) {
  if (target.starts_with("[")) {
    const std::size_t end = target.find(']');
    if (end == std::string_view::npos) return "";
    const std::string_view behind = target.substr(end + 1);
    return behind.empty() || behind.front() == ':' ? std::string(target.substr(1, end - 1)) : "";
  }
  const std::size_t colon = target.find(':');
  const bool is_bare_ipv6 =
      colon != std::string_view::npos && target.find(':', colon + 1) != std::string_view::npos;
  return std::string(is_bare_ipv6 ? target : target.substr(0, colon));
}

bool IsLoopbackHost(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

// Several addresses, which only ipv4: and ipv6: allow; elsewhere a comma is a part of a host's name.
bool AreAllLoopback(std::string_view addresses) {
  while (true) {
    const std::size_t comma = addresses.find(',');
    if (!IsLoopbackHost(HostOf(addresses.substr(0, comma)))) return false;
    if (comma == std::string_view::npos) return true;
    addresses.remove_prefix(comma + 1);
  }
}

}  // namespace

bool IsLoopback(std::string_view address) {
  // What follows is no part of the address for whoever reads it as a C string, inet_pton() among them.
  if (address.find('\0') != std::string_view::npos) return false;
  if (ConsumePrefix(&address, "unix:") || ConsumePrefix(&address, "unix-abstract:")) return true;
  if (ConsumePrefix(&address, "dns:")) {
    // dns://authority/host: only the default authority is known to be harmless.
    if (ConsumePrefix(&address, "//") && !ConsumePrefix(&address, "/")) return false;
  } else if (ConsumePrefix(&address, "ipv4:") || ConsumePrefix(&address, "ipv6:")) {
    return AreAllLoopback(address);
  }
  return IsLoopbackHost(HostOf(address));
}

}  // namespace signalbox::internal
