#include "service/config/redaction.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace signalbox::service {
namespace {

bool IsBlank(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

// A text, and which of its bytes must not be shown. What looks like a password is hidden wherever it
// is, also within something else, so that no order of looking matters.
class Redaction {
 public:
  explicit Redaction(absl::string_view text) : text_(text), hidden_(text.size(), false) {}

  // user:password@host. A password may hold '/', '@' or blanks against the rules: up to the last '@' of
  // the text is the safe side.
  void HideAuthority() {
    const std::size_t mark = text_.find("://");
    if (mark == absl::string_view::npos) return;
    const std::size_t colon = text_.find(':', mark + 3);
    const std::size_t at = text_.rfind('@');
    if (colon < at && at != absl::string_view::npos) Hide(colon + 1, at);
  }

  // password=…, and with it sslpassword.
  void HideKeywords() {
    static constexpr absl::string_view kKeyword = "password";
    for (std::size_t i = 0; i + kKeyword.size() < text_.size(); ++i) {
      if (!absl::EqualsIgnoreCase(text_.substr(i, kKeyword.size()), kKeyword)) continue;
      std::size_t value = SkipBlanks(i + kKeyword.size());
      if (value == text_.size() || text_[value] != '=') continue;
      value = SkipBlanks(value + 1);
      Hide(value, IsParameter(i) ? std::min(text_.find('&', value), text_.size()) : EndOfValue(value));
    }
  }

  std::string Shown() const {
    std::string shown;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (!hidden_[i]) {
        shown += text_[i];
      } else if (i == 0 || !hidden_[i - 1]) {
        shown += "***";
      }
    }
    return shown;
  }

 private:
  void Hide(std::size_t begin, std::size_t end) {
    std::fill(hidden_.begin() + begin, hidden_.begin() + end, true);
  }

  std::size_t SkipBlanks(std::size_t i) const {
    while (i < text_.size() && IsBlank(text_[i])) ++i;
    return i;
  }

  // Whether the keyword that has `i` in it is one of a URL, as in ?sslpassword=….
  bool IsParameter(std::size_t i) const {
    while (i > 0 && absl::ascii_isalpha(static_cast<unsigned char>(text_[i - 1]))) --i;
    return i > 0 && (text_[i - 1] == '?' || text_[i - 1] == '&');
  }

  // Of keyword=value: the next blank that is neither quoted nor escaped.
  std::size_t EndOfValue(std::size_t i) const {
    bool quoted = false;
    for (; i < text_.size() && (quoted || !IsBlank(text_[i])); ++i) {
      if (text_[i] == '\'') quoted = !quoted;
      if (text_[i] == '\\') ++i;
    }
    return std::min(i, text_.size());
  }

  const absl::string_view text_;
  std::vector<bool> hidden_;
};

}  // namespace

std::string WithoutPasswords(absl::string_view text) {
  Redaction redaction(text);
  redaction.HideAuthority();
  redaction.HideKeywords();
  return redaction.Shown();
}

}  // namespace signalbox::service
