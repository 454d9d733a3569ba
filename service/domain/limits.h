#ifndef SIGNALBOX_SERVICE_DOMAIN_LIMITS_H
#define SIGNALBOX_SERVICE_DOMAIN_LIMITS_H

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace signalbox::service {

/// What a request, and a run, may hold at most. Defaults are the protocol's. Plain data.
struct Limits {
  size_t request_bytes = 1 << 20;
  size_t key_bytes = 128;
  size_t value_bytes = 64 << 10;
  size_t reply_bytes = 16 << 10;
  int value_depth = 32;
  size_t reason_bytes = 1 << 10;
  size_t error_bytes = 1 << 10;
  size_t consumer_bytes = 128;
  size_t request_id_bytes = 128;
  size_t title_bytes = 256;
  size_t description_bytes = 1 << 10;
  size_t labels = 32;
  size_t label_bytes = 63;
  size_t project_bytes = 128;
  size_t run_id_bytes = 64;
  size_t filter_keys = 256;
  size_t ack_ids = 1000;
  size_t publishes = 1000;  // of one PublishMany
  int64_t pending_messages = 1000;
  int declared_keys = 256;
  absl::Duration ttl = absl::Hours(24 * 3650);
  absl::Duration await = absl::Minutes(5);

  // Pages of lists.
  int page_size = 1000;
  int default_history_page_size = 100;
  size_t page_bytes = 1 << 20;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_LIMITS_H
