#ifndef SIGNALBOX_SERVICE_CONFIG_REDACTION_H
#define SIGNALBOX_SERVICE_CONFIG_REDACTION_H

#include <string>

#include "absl/strings/string_view.h"

namespace signalbox::service {

/// `text` with every password of a Postgres URL (`://user:…@`, `?password=…`) or keyword string
/// (`password=…`, quoted or not) in it replaced by ***. For whatever may be printed or logged. Pure.
/// When in doubt, too much is replaced.
std::string WithoutPasswords(absl::string_view text);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_CONFIG_REDACTION_H
