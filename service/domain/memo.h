#ifndef SIGNALBOX_SERVICE_DOMAIN_MEMO_H
#define SIGNALBOX_SERVICE_DOMAIN_MEMO_H

#include <string>

#include "absl/base/call_once.h"

namespace signalbox::service {

/// A text that the first who asks for it makes, and all others share. A copy makes its own. Thread-safe.
class Memo {
 public:
  Memo() = default;
  Memo(const Memo& /*other*/) {}
  Memo& operator=(const Memo&) = delete;

  template <typename Make>
  const std::string& Get(const Make& make) const {
    absl::call_once(once_, [&] { text_ = make(); });
    return text_;
  }

 private:
  mutable absl::once_flag once_;
  mutable std::string text_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_MEMO_H
