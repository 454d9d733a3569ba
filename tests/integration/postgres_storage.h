#ifndef SIGNALBOX_TESTS_INTEGRATION_POSTGRES_STORAGE_H
#define SIGNALBOX_TESTS_INTEGRATION_POSTGRES_STORAGE_H

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/postgres/postgres_message_log.h"
#include "service/postgres/postgres_pruning_store.h"
#include "service/postgres/postgres_run_registry.h"

namespace signalbox::service {

/// Log and registry of one replica, with connections of their own.
class PostgresStorage {
 public:
  PostgresStorage(const ConnectionOptions& options, int64_t max_pending, int max_declared_keys = 256)
      : writer_pool_(options, 1),
        reader_pool_(options, 8),
        log_(writer_pool_, reader_pool_, max_pending, [] { return ++last_nonce_ & MessageId::kMaxNonce; }),
        runs_(reader_pool_, max_declared_keys, [] { return absl::StrCat("made-", ++last_run_); }) {}

  PostgresMessageLog& log() { return log_; }
  PostgresRunRegistry& runs() { return runs_; }
  PostgresPruningStore& pruning() { return pruning_; }

 private:
  static inline std::atomic<int64_t> last_nonce_{int64_t{0x5a5a} << 20};
  static inline std::atomic<int> last_run_{0};
  ConnectionPool writer_pool_;
  ConnectionPool reader_pool_;
  PostgresMessageLog log_;
  PostgresRunRegistry runs_;
  PostgresPruningStore pruning_{reader_pool_};
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_INTEGRATION_POSTGRES_STORAGE_H
