#ifndef SIGNALBOX_TESTS_BENCH_POSTGRES_ARRAY_H
#define SIGNALBOX_TESTS_BENCH_POSTGRES_ARRAY_H

#include <cstdint>
#include <string>

namespace signalbox::bench {

/// The text of an array, which grows.
class PostgresArray {
 public:
  void Add(int64_t element);
  void Add(const std::string& element);

  /// The text; empties the array.
  std::string Take();

 private:
  void Separate();

  std::string text_;  // without the braces
};

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_POSTGRES_ARRAY_H
