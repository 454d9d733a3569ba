#ifndef SIGNALBOX_SERVICE_DOMAIN_WIRE_BYTES_H
#define SIGNALBOX_SERVICE_DOMAIN_WIRE_BYTES_H

#include <cstdint>
#include <string>
#include <string_view>

// How ids, cursors and page tokens are packed: LEB128 varints and big-endian fixed numbers.

namespace signalbox::service {

inline void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

inline void AppendFixed(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

/// Reads what the functions above wrote. After any failed read everything reads as 0 and AtEnd() is
/// false, so a caller checks once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Fixed(1);
      if (failed_) return 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }

  uint64_t Fixed(int bytes) {
    if (failed_ || rest_.size() < static_cast<size_t>(bytes)) {
      failed_ = true;
      return 0;
    }
    uint64_t value = 0;
    for (char c : rest_.substr(0, bytes)) value = (value << 8) | static_cast<unsigned char>(c);
    rest_.remove_prefix(bytes);
    return value;
  }

  /// Whether every read succeeded and nothing is left.
  bool AtEnd() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_WIRE_BYTES_H
