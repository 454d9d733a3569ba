#include "service/domain/message_id.h"

#include "absl/strings/str_cat.h"
#include "service/domain/wire_bytes.h"

namespace signalbox::service {
namespace {

// Crockford's alphabet: no i, l, o, u.
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int kNonceBytes = 5;

std::string ToBase32(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (unsigned char byte : bytes) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 5; held -= 5) text += kAlphabet[(bits >> (held - 5)) & 31];
  }
  if (held > 0) text += kAlphabet[(bits << (5 - held)) & 31];
  return text;
}

std::optional<std::string> FromBase32(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 5) | static_cast<uint32_t>(digit);
    held += 5;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>((bits >> held) & 255);
    }
  }
  return bytes;
}

}  // namespace

std::string Encode(const MessageId& id) {
  std::string bytes;
  AppendVarint(bytes, static_cast<uint64_t>(id.run_no));
  AppendVarint(bytes, static_cast<uint64_t>(id.sequence));
  AppendFixed(bytes, static_cast<uint64_t>(id.nonce), kNonceBytes);
  return absl::StrCat("m", ToBase32(bytes));
}

std::optional<MessageId> DecodeMessageId(std::string_view text) {
  if (text.empty() || text.front() != 'm' || text.size() > 64) return std::nullopt;
  const std::optional<std::string> bytes = FromBase32(text.substr(1));
  if (!bytes) return std::nullopt;
  ByteReader reader(*bytes);
  MessageId id;
  id.run_no = static_cast<int64_t>(reader.Varint());
  id.sequence = static_cast<int64_t>(reader.Varint());
  id.nonce = static_cast<int64_t>(reader.Fixed(kNonceBytes));
  if (!reader.AtEnd() || id.run_no <= 0 || id.sequence <= 0) return std::nullopt;
  if (Encode(id) != text) return std::nullopt;  // one spelling for each id
  return id;
}

}  // namespace signalbox::service
