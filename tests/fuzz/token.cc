// Cursors, page tokens and message ids: text that comes back from the outside. What decodes is exactly
// what was made, so each has one spelling; and what is made decodes to what it was made of.
#include "service/domain/token.h"

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "fuzz.h"
#include "service/domain/message_id.h"
#include "service/domain/wire_bytes.h"

namespace signalbox::service {
namespace {

bool Same(const Position& a, const Position& b) { return a == b && a.mark == b.mark; }

bool Same(const Cursor& a, const Cursor& b) {
  return a.epoch == b.epoch && a.run_no == b.run_no && Same(a.position, b.position);
}

bool Same(const PageToken& a, const PageToken& b) {
  return a.query == b.query && a.after == b.after && Same(a.first_page, b.first_page) && a.epoch == b.epoch;
}

void CheckDecoding(std::string_view text) {
  const std::optional<Cursor> cursor = DecodeCursor(text);
  if (cursor) SIGNALBOX_PROPERTY(Encode(*cursor) == text);
  const std::optional<PageToken> token = DecodePageToken(text);
  if (token) SIGNALBOX_PROPERTY(Encode(*token) == text);
  const std::optional<MessageId> id = DecodeMessageId(text);
  if (id) {
    SIGNALBOX_PROPERTY(Encode(*id) == text);
    SIGNALBOX_PROPERTY(id->run_no > 0 && id->sequence > 0);
    SIGNALBOX_PROPERTY(id->nonce >= 0 && id->nonce <= MessageId::kMaxNonce);
  }
  SIGNALBOX_PROPERTY(!cursor || !token);
}

// `body` with the checksum that makes it a token: what somebody sends who has read the source.
std::string Forged(std::string_view body) {
  std::string bytes(body);
  AppendFixed(bytes, StableHash(body) & 0xffffffff, 4);
  return absl::WebSafeBase64Escape(bytes);
}

void CheckEncoding(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto next = [&reader] { return static_cast<int64_t>(reader.Fixed(8)); };
  const int64_t numbers[] = {next(), next(), next(), next(), next(), next()};
  if (!reader.AtEnd()) return;
  const Position position = {numbers[0], numbers[1], numbers[2]};

  const Cursor cursor = {.epoch = numbers[3], .run_no = numbers[4], .position = position};
  const std::optional<Cursor> same_cursor = DecodeCursor(Encode(cursor));
  SIGNALBOX_PROPERTY(same_cursor && Same(*same_cursor, cursor));

  const PageToken token = {.query = static_cast<uint64_t>(numbers[3]),
                           .after = numbers[4],
                           .first_page = position,
                           .epoch = numbers[5]};
  const std::optional<PageToken> same_token = DecodePageToken(Encode(token));
  SIGNALBOX_PROPERTY(same_token && Same(*same_token, token));

  const MessageId id = {numbers[0], numbers[1], numbers[2] & MessageId::kMaxNonce};
  if (id.run_no > 0 && id.sequence > 0) SIGNALBOX_PROPERTY(DecodeMessageId(Encode(id)) == id);
}

}  // namespace
}  // namespace signalbox::service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = signalbox::fuzz::TextOf(data, size);
  signalbox::service::CheckDecoding(text);
  signalbox::service::CheckDecoding(signalbox::service::Forged(text));
  signalbox::service::CheckEncoding(text);
  return 0;
}
