#include "tests/bench/postgres_array.h"

#include "absl/strings/str_cat.h"

namespace signalbox::bench {

void PostgresArray::Separate() {
  if (!text_.empty()) text_ += ',';
}

void PostgresArray::Add(int64_t element) {
  Separate();
  absl::StrAppend(&text_, element);
}

void PostgresArray::Add(const std::string& element) {
  Separate();
  text_ += '"';
  for (const char c : element) {
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

std::string PostgresArray::Take() {
  std::string text = absl::StrCat("{", text_, "}");
  text_.clear();
  return text;
}

}  // namespace signalbox::bench
