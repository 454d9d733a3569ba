#include "service/domain/text_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace signalbox::service {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Refusal(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(CheckKeyTest, TakesAnyTextUpToTheLimit) {
  for (const std::string& key :
       {std::string("a"), std::string(128, 'k'), std::string("learning rate"), std::string("Größe/学習率 🚦"),
        std::string("a\xe2\x80\x80z"), std::string("'\"\\{}")}) {
    EXPECT_TRUE(CheckKey("key", key, 128).ok()) << key;
  }
}

TEST(CheckKeyTest, NamesFieldAndLimit) {
  EXPECT_THAT(Refusal(CheckKey("keys[3]", "", 128)), HasSubstr("keys[3] is required"));
  EXPECT_THAT(Refusal(CheckKey("keys[3]", std::string(129, 'k'), 128)),
              AllOf(HasSubstr("keys[3]"), HasSubstr("129"), HasSubstr("128")));
}

TEST(CheckKeyTest, CountsBytesNotCharacters) {
  std::string umlauts;
  for (int i = 0; i < 64; ++i) umlauts += "ä";
  EXPECT_TRUE(CheckKey("key", umlauts, 128).ok());
  EXPECT_FALSE(CheckKey("key", umlauts + "a", 128).ok());
}

TEST(CheckKeyTest, RefusesEveryControlCharacterAnywhere) {
  for (int c = 0; c < 0xa0; ++c) {
    if (c >= 0x20 && c < 0x7f) continue;
    const std::string control =
        c < 0x80 ? std::string(1, static_cast<char>(c)) : std::string("\xc2") + static_cast<char>(c);
    for (const std::string& key : {control, "a" + control, control + "a", "a" + control + "b"}) {
      EXPECT_THAT(Refusal(CheckKey("key", key, 128)), HasSubstr("control")) << c;
    }
  }
}

TEST(CheckKeyTest, TakesTheNeighboursOfControlCharacters) {
  EXPECT_TRUE(CheckKey("key", "a~b", 128).ok());
  EXPECT_TRUE(CheckKey("key", "a\xc2\xa1", 128).ok());   // U+00A1
  EXPECT_TRUE(CheckKey("key", "a\xc2\xa0z", 128).ok());  // U+00A0 inside
  EXPECT_TRUE(CheckKey("key", "\xc3\x82\xc2\xbf", 128).ok());
}

TEST(CheckKeyTest, RefusesEveryBlankAtAnEnd) {
  for (const char* blank :
       {" ", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
        "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"}) {
    EXPECT_THAT(Refusal(CheckKey("key", std::string(blank) + "k", 128)), HasSubstr("blank"));
    EXPECT_THAT(Refusal(CheckKey("key", std::string("k") + blank, 128)), HasSubstr("blank"));
    EXPECT_THAT(Refusal(CheckKey("key", blank, 128)), HasSubstr("blank"));
    EXPECT_TRUE(CheckKey("key", std::string("k") + blank + "k", 128).ok());
  }
}

TEST(CheckTextTest, RefusesOnlyNulAndSize) {
  EXPECT_TRUE(CheckText("reason", "", 4).ok());
  EXPECT_TRUE(CheckText("reason", " \n\x01", 4).ok());
  EXPECT_TRUE(CheckText("reason", "abcd", 4).ok());
  EXPECT_THAT(Refusal(CheckText("reason", "abcde", 4)), HasSubstr("reason has 5 bytes; the limit is 4"));
  EXPECT_THAT(Refusal(CheckText("reason", std::string("a\0b", 3), 4)),
              HasSubstr("reason must not contain U+0000"));
}

TEST(CheckSizeTest, TakesTheLimit) {
  EXPECT_TRUE(CheckSize("value", 10, 10).ok());
  EXPECT_THAT(Refusal(CheckSize("value", 11, 10)), HasSubstr("value has 11 bytes; the limit is 10"));
}

TEST(CheckProjectTest, TakesNamesWithAndWithoutAnOrganisation) {
  for (const std::string& project :
       {std::string("a"), std::string("0"), std::string("a/b"), std::string("my.org/a_b-c.9"),
        std::string(128, 'p'), std::string(63, 'o') + "/" + std::string(64, 'n')}) {
    EXPECT_TRUE(CheckProject("project", project, 128).ok()) << project;
  }
}

TEST(CheckProjectTest, RefusesOtherForms) {
  EXPECT_THAT(Refusal(CheckProject("project", "", 128)), HasSubstr("project is required"));
  for (const char* project : {"/", "a/", "/a", "a//b", "a/b/c", "A", "a/B", ".a", "-a", "_a", "a/.b", "a b",
                              "ä", "a\n", "a:b", "a@b"}) {
    EXPECT_THAT(Refusal(CheckProject("project", project, 128)), HasSubstr("project must be")) << project;
  }
  EXPECT_THAT(Refusal(CheckProject("project", std::string("a\0b", 3), 128)), HasSubstr("must be"));
  EXPECT_THAT(Refusal(CheckProject("project", std::string(129, 'p'), 128)),
              AllOf(HasSubstr("project"), HasSubstr("129"), HasSubstr("128")));
}

TEST(RunIdTest, NeedsALetter) {
  for (const std::string& id : {std::string("a"), std::string("0a"), std::string("run-438"),
                                std::string("a.b_c-d"), std::string("1e9"), std::string(64, 'r')}) {
    EXPECT_TRUE(IsRunId(id, 64)) << id;
  }
  for (const std::string& id :
       {std::string(), std::string("438"), std::string("4-3.8"), std::string("A"), std::string("runA"),
        std::string("-a"), std::string(".a"), std::string("_a"), std::string("a/b"), std::string("a b"),
        std::string("ä"), std::string(65, 'r'), std::string("a\0", 2), std::string("a\n")}) {
    EXPECT_FALSE(IsRunId(id, 64)) << id;
  }
}

}  // namespace
}  // namespace signalbox::service
