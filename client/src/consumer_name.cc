#include "consumer_name.h"

#include <unistd.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "random.h"
#include "text.h"

namespace signalbox::internal {

std::string MakeConsumerName() {
  constexpr std::size_t kMaxHostBytes = 64;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host = {'h', 'o', 's', 't'};
  return absl::StrCat(CleanErrorText(host.data(), kMaxHostBytes), ":", getpid(), ":", RandomId());
}

}  // namespace signalbox::internal
