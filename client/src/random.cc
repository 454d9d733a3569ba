#include "random.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <ctime>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"

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

template <std::size_t kBytes>
std::string RandomDigits() {
  std::array<char, kBytes> bytes{};
  FillRandom(bytes.data(), bytes.size());
  return absl::BytesToHexString({bytes.data(), bytes.size()});
}

}  // namespace

double SystemRandomFraction() {
  uint64_t bits = 0;
  FillRandom(&bits, sizeof bits);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

std::string RandomId() { return RandomDigits<16>(); }

std::string TimeOrderedId(absl::Time now) {
  constexpr uint64_t k48Bits = (uint64_t{1} << 48) - 1;
  return absl::StrFormat("%012x", static_cast<uint64_t>(absl::ToUnixMillis(now)) & k48Bits) +
         RandomDigits<10>();
}

}  // namespace signalbox::internal
