// Passwords in texts. The public parts of a text are in lower case and a password's letters in upper
// case, so an upper-case letter in what may be printed is a piece of the password.
#include "service/config/redaction.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "fuzz.h"

namespace signalbox::service {
namespace {

void ExpectHidden(absl::string_view before, const std::string& password, absl::string_view after) {
  const std::string shown = WithoutPasswords(absl::StrCat(before, password, after));
  SIGNALBOX_PROPERTY(std::ranges::none_of(shown, absl::ascii_isupper));
}

// As a value of a keyword=value string, with and without quotes; the rules are libpq's.
std::string Escaped(const std::string& password) {
  return absl::StrReplaceAll(password, {{"\\", "\\\\"}, {"'", "\\'"}});
}
std::string EscapedWithBlanks(const std::string& password) {
  std::string escaped;
  for (char c : password) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c)) || c == '\'' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void CheckPassword(const std::string& password) {
  ExpectHidden("cannot use postgresql://ada:", password, "@db:5432/x?user=ada&sslmode=require");
  ExpectHidden("host=db password=", EscapedWithBlanks(password), " user=ada");
  ExpectHidden("host=db password\n=\t", EscapedWithBlanks(password), "\nuser=ada@b");
  ExpectHidden("sslpassword = '", Escaped(password), "' user=ada");
  // In a parameter of a URL a '&' ends it, whoever wrote it.
  const std::string parameter = absl::StrReplaceAll(password, {{"&", ""}});
  ExpectHidden("postgresql://db:5432/x?password=", parameter, "&sslmode=require");
  ExpectHidden("postgresql://ada@db:5432/x?user=ada&password=", parameter, "");
}

}  // namespace
}  // namespace signalbox::service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const bool may_have_one =
      absl::StrContains(text, "://") || absl::StrContains(absl::AsciiStrToLower(text), "password");
  if (!may_have_one) SIGNALBOX_PROPERTY(signalbox::service::WithoutPasswords(text) == text);
  signalbox::service::CheckPassword(absl::AsciiStrToUpper(text));
  return 0;
}
