#include "service/domain/text_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Invalid(std::string_view field, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(View(field), " ", what));
}

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsName(std::string_view text) {
  return !text.empty() && IsLowerOrDigit(text.front()) && std::ranges::all_of(text, [](char c) {
    return IsLowerOrDigit(c) || c == '.' || c == '_' || c == '-';
  });
}

// C0 and DEL are one byte; C1 (U+0080..U+009F) is C2 80 .. C2 9F.
bool HasControlCharacter(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

// The characters of Unicode's White_Space property that are not control characters, as UTF-8.
constexpr std::string_view kBlanks[] = {" ",
                                        "\xc2\xa0",
                                        "\xe1\x9a\x80",
                                        "\xe2\x80\x80",
                                        "\xe2\x80\x81",
                                        "\xe2\x80\x82",
                                        "\xe2\x80\x83",
                                        "\xe2\x80\x84",
                                        "\xe2\x80\x85",
                                        "\xe2\x80\x86",
                                        "\xe2\x80\x87",
                                        "\xe2\x80\x88",
                                        "\xe2\x80\x89",
                                        "\xe2\x80\x8a",
                                        "\xe2\x80\xa8",
                                        "\xe2\x80\xa9",
                                        "\xe2\x80\xaf",
                                        "\xe2\x81\x9f",
                                        "\xe3\x80\x80"};

bool HasOuterBlank(std::string_view text) {
  return std::ranges::any_of(
      kBlanks, [&](std::string_view blank) { return text.starts_with(blank) || text.ends_with(blank); });
}

}  // namespace

absl::Status CheckSize(std::string_view field, size_t bytes, size_t limit) {
  if (bytes <= limit) return absl::OkStatus();
  return Invalid(field, absl::StrCat("has ", bytes, " bytes; the limit is ", limit));
}

absl::Status CheckText(std::string_view field, std::string_view text, size_t limit) {
  if (text.find('\0') != std::string_view::npos) return Invalid(field, "must not contain U+0000");
  return CheckSize(field, text.size(), limit);
}

absl::Status CheckKey(std::string_view field, std::string_view key, size_t limit) {
  if (key.empty()) return Invalid(field, "is required");
  if (HasControlCharacter(key)) return Invalid(field, "must not contain control characters");
  if (HasOuterBlank(key)) return Invalid(field, "must not begin or end with a blank");
  return CheckSize(field, key.size(), limit);
}

absl::Status CheckProject(std::string_view field, std::string_view project, size_t limit) {
  if (project.empty()) return Invalid(field, "is required");
  const size_t slash = project.find('/');
  const bool ok = slash == std::string_view::npos
                      ? IsName(project)
                      : IsName(project.substr(0, slash)) && IsName(project.substr(slash + 1));
  if (!ok) {
    return Invalid(field, "must be 'name' or 'org/name', each starting with a-z or 0-9, then a-z 0-9 . _ -");
  }
  return CheckSize(field, project.size(), limit);
}

bool IsRunId(std::string_view id, size_t limit) {
  return id.size() <= limit && IsName(id) &&
         std::ranges::any_of(id, [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace signalbox::service
