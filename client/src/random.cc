#include "random.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <ctime>

namespace signalbox::internal {
namespace {

void FillRandom(void* buffer, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(buffer);
  // Up to 256 bytes come whole once the kernel's pool is ready; before that the call waits.
  while (size > 0) {
    const ssize_t got = getrandom(bytes, size, 0);
    if (got <= 0) continue;  // Only an interrupting signal can be the reason.
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace

double SystemRandomFraction() {
  uint64_t bits = 0;
  FillRandom(&bits, sizeof bits);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

std::string RandomId() {
  std::array<unsigned char, 16> bytes{};
  FillRandom(bytes.data(), bytes.size());
  constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  id.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return id;
}

}  // namespace signalbox::internal
