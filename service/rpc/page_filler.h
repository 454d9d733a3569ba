#ifndef SIGNALBOX_SERVICE_RPC_PAGE_FILLER_H
#define SIGNALBOX_SERVICE_RPC_PAGE_FILLER_H

#include <cstddef>

#include "service/rpc/proto_conversion.h"

namespace signalbox::service {

/// What a page holds besides its elements: a cursor and a token, each well below this.
inline constexpr size_t kPageOverheadBytes = 1024;

/// Appends items to a page until the next would make the response larger than `max_bytes`; the first
/// always goes in. Returns whether some were left out.
template <typename Items, typename Field>
bool FillPage(const Items& items, size_t max_bytes, Field& page) {
  size_t bytes = kPageOverheadBytes;
  for (const auto& item : items) {
    auto* element = page.Add();
    if constexpr (requires { *item; }) {
      ToProto(*item, element);
    } else {
      ToProto(item, element);
    }
    bytes += element->ByteSizeLong() + 4;  // tag and length
    if (bytes > max_bytes && page.size() > 1) {
      page.RemoveLast();
      return true;
    }
  }
  return false;
}

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_PAGE_FILLER_H
