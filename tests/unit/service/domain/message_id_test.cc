#include "service/domain/message_id.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <string>

namespace signalbox::service {
namespace {

constexpr std::string_view kSafe = "0123456789abcdefghijklmnopqrstuvwxyz";

TEST(MessageIdTest, RoundTrips) {
  const int64_t max = std::numeric_limits<int64_t>::max();
  for (const MessageId& id : {MessageId{1, 1, 0}, MessageId{1, 1, MessageId::kMaxNonce},
                              MessageId{127, 128, 1}, MessageId{max, max, MessageId::kMaxNonce}}) {
    const std::string text = Encode(id);
    EXPECT_EQ(DecodeMessageId(text), id) << text;
    EXPECT_EQ(text.front(), 'm');
    EXPECT_LE(text.size(), 64U);
    EXPECT_EQ(text.find_first_not_of(kSafe), std::string::npos) << text;
  }
}

TEST(MessageIdTest, RoundTripsAnyNumbers) {
  std::mt19937_64 random(7);
  std::set<std::string> texts;
  for (int i = 0; i < 2000; ++i) {
    const MessageId id = {static_cast<int64_t>(random() >> (1 + random() % 62)) + 1,
                          static_cast<int64_t>(random() >> (1 + random() % 62)) + 1,
                          static_cast<int64_t>(random() & MessageId::kMaxNonce)};
    EXPECT_EQ(DecodeMessageId(Encode(id)), id);
    texts.insert(Encode(id));
  }
  EXPECT_EQ(texts.size(), 2000U);
}

TEST(MessageIdTest, RefusesGarbage) {
  const std::string good = Encode(MessageId{5, 9, 123456789});
  for (const std::string& text :
       {std::string(), std::string("m"), std::string("x") + good.substr(1), good.substr(1), good + "0",
        good + "m", good.substr(0, good.size() - 1), " " + good, good + " ", good + std::string(1, '\0'),
        "M" + good.substr(1), std::string("m") + std::string(100, '0'), std::string("m!!!!"),
        std::string("mé")}) {
    EXPECT_EQ(DecodeMessageId(text), std::nullopt) << text;
  }
}

TEST(MessageIdTest, RefusesNumbersThatNoMessageHas) {
  EXPECT_EQ(DecodeMessageId(Encode(MessageId{0, 1, 5})), std::nullopt);
  EXPECT_EQ(DecodeMessageId(Encode(MessageId{1, 0, 5})), std::nullopt);
  EXPECT_EQ(DecodeMessageId(Encode(MessageId{-1, 1, 5})), std::nullopt);
  EXPECT_EQ(DecodeMessageId(Encode(MessageId{1, -1, 5})), std::nullopt);
}

// Every id has one spelling: a changed character is another id or none, never the same.
TEST(MessageIdTest, EachIdHasOneSpelling) {
  const MessageId id = {5, 9, 123456789};
  const std::string good = Encode(id);
  for (size_t i = 0; i < good.size(); ++i) {
    for (int c = 1; c < 128; ++c) {
      std::string text = good;
      text[i] = static_cast<char>(c);
      if (text == good) continue;
      EXPECT_NE(DecodeMessageId(text), id) << text;
    }
  }
}

}  // namespace
}  // namespace signalbox::service
