#include "service/domain/token.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/escaping.h"
#include "service/domain/wire_bytes.h"

namespace signalbox::service {
namespace {

constexpr std::string_view kUrlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

const Cursor kCursor = {.epoch = 0x123456789abcdef, .run_no = 42, .position = {1000, 77, 0x5a5a5a5a5a}};
const PageToken kToken = {.query = 0xfedcba9876543210,
                          .run_no = 42,
                          .after = 512,
                          .first_page = {600, 3, 0x5a5a5a5a5a},
                          .epoch = 0x123456789abcdef};

TEST(TokenTest, CursorsRoundTrip) {
  for (const Cursor& cursor : {kCursor, Cursor{}, Cursor{kMax, kMax, {kMax, kMax}}, Cursor{-1, 1, {0, 1}}}) {
    const std::string text = Encode(cursor);
    EXPECT_EQ(text.find_first_not_of(kUrlSafe), std::string::npos) << text;
    EXPECT_LE(text.size(), 80U);
    const std::optional<Cursor> decoded = DecodeCursor(text);
    ASSERT_TRUE(decoded.has_value()) << text;
    EXPECT_EQ(decoded->epoch, cursor.epoch);
    EXPECT_EQ(decoded->run_no, cursor.run_no);
    EXPECT_EQ(decoded->position, cursor.position);
    EXPECT_EQ(decoded->position.mark, cursor.position.mark);
  }
}

TEST(TokenTest, PageTokensRoundTrip) {
  for (const PageToken& token :
       {kToken, PageToken{}, PageToken{~uint64_t{0}, kMax, kMax, {kMax, kMax}, kMax}}) {
    const std::string text = Encode(token);
    EXPECT_EQ(text.find_first_not_of(kUrlSafe), std::string::npos) << text;
    EXPECT_LE(text.size(), 96U);
    const std::optional<PageToken> decoded = DecodePageToken(text);
    ASSERT_TRUE(decoded.has_value()) << text;
    EXPECT_EQ(decoded->query, token.query);
    EXPECT_EQ(decoded->run_no, token.run_no);
    EXPECT_EQ(decoded->after, token.after);
    EXPECT_EQ(decoded->first_page, token.first_page);
    EXPECT_EQ(decoded->first_page.mark, token.first_page.mark);
    EXPECT_EQ(decoded->epoch, token.epoch);
  }
}

TEST(TokenTest, OneKindIsNotTheOther) {
  EXPECT_EQ(DecodeCursor(Encode(kToken)), std::nullopt);
  EXPECT_EQ(DecodePageToken(Encode(kCursor)), std::nullopt);
}

TEST(TokenTest, RefusesGarbage) {
  const std::string good = Encode(kCursor);
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("latest"), std::string("QQ"), std::string(4, '\0'),
        good.substr(0, good.size() - 1), good.substr(1), good + "A", good + "=", good + "==", " " + good,
        good + "\n", good + good, std::string(1000, 'A'), std::string("Q") + std::string(255, 'A')}) {
    EXPECT_EQ(DecodeCursor(text), std::nullopt) << text;
    EXPECT_EQ(DecodePageToken(text), std::nullopt) << text;
  }
}

// Found by tests/fuzz/token.cc: a run 1 written with two bytes too many, and the checksum of that.
TEST(TokenTest, RefusesAnotherSpellingOfTheSameNumber) {
  const auto sealed = [](std::string bytes) {
    AppendFixed(bytes, StableHash(bytes) & 0xffffffff, 4);
    return absl::WebSafeBase64Escape(bytes);
  };
  const std::string epoch("C\0\0\0\0\0\0\0\1", 9);
  EXPECT_NE(DecodeCursor(sealed(epoch + std::string("\x01\x09\x00\x00", 4))), std::nullopt);
  EXPECT_EQ(DecodeCursor(sealed(epoch + std::string("\x81\x80\x00\x09\x00\x00", 6))), std::nullopt);
}

TEST(TokenTest, RefusesEveryChangedCharacter) {
  const std::string cursor = Encode(kCursor);
  const std::string token = Encode(kToken);
  for (const std::string& good : {cursor, token}) {
    for (size_t i = 0; i < good.size(); ++i) {
      for (char c : kUrlSafe) {
        std::string text = good;
        if (text[i] == c) continue;
        text[i] = c;
        EXPECT_EQ(DecodeCursor(text), std::nullopt) << text;
        EXPECT_EQ(DecodePageToken(text), std::nullopt) << text;
      }
    }
  }
}

TEST(PositionTest, KeepsItsMarkUntilTheSequenceMoves) {
  Position position = {3, 1, 33};
  position.Advance({3, 2, 0});
  EXPECT_EQ(position.mark, 33) << "only a withdrawal";
  position.Advance({5, 2, 55});
  EXPECT_EQ(position.mark, 55);
  position.Advance({6, 2, 0});
  EXPECT_EQ(position.mark, 0) << "not known is better than another message's";
  EXPECT_EQ(position, (Position{6, 2, 99})) << "a mark is no part of the place";
}

// Tokens outlive a release, so the hash they are sealed with must stay what it is.
TEST(TokenTest, TheHashIsTheSameForEver) {
  EXPECT_EQ(StableHash(""), 0xcbf29ce484222325U);
  EXPECT_EQ(StableHash("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(StableHash("foobar"), 0x85944171f73967e8U);
}

}  // namespace
}  // namespace signalbox::service
