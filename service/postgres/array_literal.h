#ifndef SIGNALBOX_SERVICE_POSTGRES_ARRAY_LITERAL_H
#define SIGNALBOX_SERVICE_POSTGRES_ARRAY_LITERAL_H

#include <cstdint>
#include <string>
#include <string_view>

namespace signalbox::service {

/// Writes a one-dimensional array in PostgreSQL's text format, to be sent as one parameter. Text
/// must not hold U+0000.
class ArrayLiteral {
 public:
  void AddNull() { Next() += "NULL"; }
  void Add(int64_t value) { Next() += std::to_string(value); }

  void AddText(std::string_view text) {
    std::string& out = Next();
    out += '"';
    for (char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }

  void AddBytes(std::string_view bytes) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string& out = Next();
    out += R"("\\x)";
    for (unsigned char byte : bytes) {
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    out += '"';
  }

  std::string Finish() && {
    text_ += '}';
    return std::move(text_);
  }

 private:
  std::string& Next() {
    if (text_.size() > 1) text_ += ',';
    return text_;
  }

  std::string text_ = "{";
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_ARRAY_LITERAL_H
