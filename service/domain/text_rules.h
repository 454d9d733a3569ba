#ifndef SIGNALBOX_SERVICE_DOMAIN_TEXT_RULES_H
#define SIGNALBOX_SERVICE_DOMAIN_TEXT_RULES_H

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

// What the names and texts of a request may look like. Each returns kInvalidArgument with a text
// that names the field and the limit. Pure. The wire format has already made sure of valid UTF-8.

namespace signalbox::service {

/// 1..limit bytes without control characters (C0, DEL, C1) or blanks (Unicode's included) at an end.
absl::Status CheckKey(std::string_view field, std::string_view key, size_t limit);

/// 0..limit bytes without U+0000, which PostgreSQL's text cannot hold.
absl::Status CheckText(std::string_view field, std::string_view text, size_t limit);

/// 0..limit bytes of anything.
absl::Status CheckSize(std::string_view field, size_t bytes, size_t limit);

/// `org/name` or `name`: 1..limit bytes, each part [a-z0-9][a-z0-9._-]*.
absl::Status CheckProject(std::string_view field, std::string_view project, size_t limit);

/// Whether `id` is 1..limit bytes [a-z0-9][a-z0-9._-]* with at least one letter.
bool IsRunId(std::string_view id, size_t limit);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_TEXT_RULES_H
