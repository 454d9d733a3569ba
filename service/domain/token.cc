#include "service/domain/token.h"

#include "absl/strings/escaping.h"
#include "service/domain/wire_bytes.h"

namespace signalbox::service {
namespace {

// First byte: what it is, and the version of its layout.
constexpr char kCursorTag = 'C';
constexpr char kPageTokenTag = 'Q';
constexpr int kChecksumBytes = 4;
constexpr size_t kMaxTextBytes = 256;

std::string Seal(std::string bytes) {
  AppendFixed(bytes, StableHash(bytes) & 0xffffffff, kChecksumBytes);
  return absl::WebSafeBase64Escape(bytes);
}

// What Seal() was given, without the tag. Whoever reads it must compare with what Encode() makes of it,
// which looks at the checksum, and leaves one spelling for each number.
std::optional<std::string> Unseal(std::string_view text, char tag) {
  std::string bytes;
  if (text.size() > kMaxTextBytes ||
      !absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes) ||
      bytes.size() <= kChecksumBytes || bytes.front() != tag) {
    return std::nullopt;
  }
  return bytes.substr(1, bytes.size() - kChecksumBytes - 1);
}

int64_t Int(ByteReader& reader) { return static_cast<int64_t>(reader.Varint()); }

}  // namespace

uint64_t StableHash(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

std::string Encode(const Cursor& cursor) {
  std::string bytes(1, kCursorTag);
  AppendFixed(bytes, static_cast<uint64_t>(cursor.epoch), 8);
  AppendVarint(bytes, static_cast<uint64_t>(cursor.run_no));
  AppendVarint(bytes, static_cast<uint64_t>(cursor.position.sequence));
  AppendVarint(bytes, static_cast<uint64_t>(cursor.position.change));
  AppendVarint(bytes, static_cast<uint64_t>(cursor.position.mark));
  return Seal(std::move(bytes));
}

std::optional<Cursor> DecodeCursor(std::string_view text) {
  const std::optional<std::string> bytes = Unseal(text, kCursorTag);
  if (!bytes) return std::nullopt;
  ByteReader reader(*bytes);
  Cursor cursor;
  cursor.epoch = static_cast<int64_t>(reader.Fixed(8));
  cursor.run_no = Int(reader);
  cursor.position.sequence = Int(reader);
  cursor.position.change = Int(reader);
  cursor.position.mark = Int(reader);
  if (!reader.AtEnd() || Encode(cursor) != text) return std::nullopt;
  return cursor;
}

std::string Encode(const PageToken& token) {
  std::string bytes(1, kPageTokenTag);
  AppendFixed(bytes, token.query, 8);
  AppendVarint(bytes, static_cast<uint64_t>(token.run_no));
  AppendVarint(bytes, static_cast<uint64_t>(token.after));
  AppendVarint(bytes, static_cast<uint64_t>(token.first_page.sequence));
  AppendVarint(bytes, static_cast<uint64_t>(token.first_page.change));
  AppendVarint(bytes, static_cast<uint64_t>(token.first_page.mark));
  AppendFixed(bytes, static_cast<uint64_t>(token.epoch), 8);
  return Seal(std::move(bytes));
}

std::optional<PageToken> DecodePageToken(std::string_view text) {
  const std::optional<std::string> bytes = Unseal(text, kPageTokenTag);
  if (!bytes) return std::nullopt;
  ByteReader reader(*bytes);
  PageToken token;
  token.query = reader.Fixed(8);
  token.run_no = Int(reader);
  token.after = Int(reader);
  token.first_page.sequence = Int(reader);
  token.first_page.change = Int(reader);
  token.first_page.mark = Int(reader);
  token.epoch = static_cast<int64_t>(reader.Fixed(8));
  if (!reader.AtEnd() || Encode(token) != text) return std::nullopt;
  return token;
}

}  // namespace signalbox::service
