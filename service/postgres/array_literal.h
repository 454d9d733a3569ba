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

  void Add(int64_t value) {
    is_blank_ = is_blank_ && value == 0;
    Next() += std::to_string(value);
  }

  void AddText(std::string_view text) {
    is_blank_ = is_blank_ && text.empty();
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
    is_blank_ = false;
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

  /// The same, but an empty array where nothing but null, 0 and '' was added: for parameters that are
  /// unnested beside others, which fills them up with null.
  std::string FinishUnlessBlank() && { return is_blank_ ? "{}" : std::move(*this).Finish(); }

 private:
  std::string& Next() {
    if (text_.size() > 1) text_ += ',';
    return text_;
  }

  std::string text_ = "{";
  bool is_blank_ = true;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_ARRAY_LITERAL_H
