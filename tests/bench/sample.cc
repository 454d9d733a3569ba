#include "tests/bench/sample.h"

#include "absl/strings/str_cat.h"

namespace signalbox::bench {

std::string SampleValue(int64_t number, int bytes) {
  std::string value = absl::StrCat("{\"step\":", 100'000'000 + number % 100'000'000,
                                   ",\"loss\":0.48213377,\"lr\":0.0003,\"phase\":\"train\",\"note\":\"");
  value.resize(static_cast<std::size_t>(bytes), 'x');
  if (bytes > 80) value.replace(value.size() - 2, 2, "\"}");
  return value;
}

}  // namespace signalbox::bench
