#include "service/config/redaction.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

constexpr absl::string_view kMask = "***";

// End of the user:password@host part that starts at `begin`.
std::size_t EndOfAuthority(absl::string_view text, std::size_t begin) {
  // A password may hold '/' or '?' against the rules; up to the last '@' of the word is the safe side.
  const std::size_t word_end = text.find_first_of(" \t\n", begin);
  const absl::string_view word = text.substr(begin, word_end - begin);
  const std::size_t at = word.rfind('@');
  return at == absl::string_view::npos ? begin : begin + at;
}

std::string MaskAuthorities(absl::string_view text) {
  std::string masked;
  std::size_t copied = 0;
  for (std::size_t mark = text.find("://"); mark != absl::string_view::npos;
       mark = text.find("://", copied)) {
    const std::size_t begin = mark + 3;
    const std::size_t end = EndOfAuthority(text, begin);
    const std::size_t colon = text.substr(begin, end - begin).find(':');
    if (colon == absl::string_view::npos) {
      absl::StrAppend(&masked, text.substr(copied, end - copied));
    } else {
      absl::StrAppend(&masked, text.substr(copied, begin + colon + 1 - copied), kMask);
    }
    copied = end;
  }
  return absl::StrCat(masked, text.substr(copied));
}

// End of the value that starts at `begin`: of a quoted one the closing quote, of another the next '&' or
// blank.
std::size_t EndOfValue(absl::string_view text, std::size_t begin) {
  if (begin >= text.size() || text[begin] != '\'') {
    const std::size_t end = text.find_first_of("& \t\n", begin);
    return end == absl::string_view::npos ? text.size() : end;
  }
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '\'') {
      return i + 1;
    }
  }
  return text.size();
}

// Also masks sslpassword.
std::string MaskKeywords(absl::string_view text) {
  static constexpr absl::string_view kKeyword = "password";
  std::string masked;
  std::size_t copied = 0;
  for (std::size_t i = 0; i + kKeyword.size() < text.size(); ++i) {
    if (!absl::EqualsIgnoreCase(text.substr(i, kKeyword.size()), kKeyword)) continue;
    std::size_t value = text.find_first_not_of(" \t", i + kKeyword.size());
    if (value == absl::string_view::npos || text[value] != '=') continue;
    value = text.find_first_not_of(" \t", value + 1);
    if (value == absl::string_view::npos) break;
    absl::StrAppend(&masked, text.substr(copied, value - copied), kMask);
    copied = EndOfValue(text, value);
    i = copied - 1;
  }
  return absl::StrCat(masked, text.substr(copied));
}

}  // namespace

std::string WithoutPasswords(absl::string_view text) { return MaskKeywords(MaskAuthorities(text)); }

}  // namespace signalbox::service
