#ifndef SIGNALBOX_TESTS_FUZZ_FUZZ_H
#define SIGNALBOX_TESTS_FUZZ_FUZZ_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What every target defines: looks at one input, and ends the process when a property does not hold.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/// Ends the process, naming the property, when `condition` does not hold; also in a build without
/// assertions.
#define SIGNALBOX_PROPERTY(condition) signalbox::fuzz::Property(condition, #condition, __FILE__, __LINE__)

namespace signalbox::fuzz {

inline void Property(bool holds, const char* text, const char* file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, text);
  std::abort();
}

inline std::string_view TextOf(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace signalbox::fuzz

#endif  // SIGNALBOX_TESTS_FUZZ_FUZZ_H
