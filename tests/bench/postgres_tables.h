#ifndef SIGNALBOX_TESTS_BENCH_POSTGRES_TABLES_H
#define SIGNALBOX_TESTS_BENCH_POSTGRES_TABLES_H

#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/postgres_connection.h"

namespace signalbox::bench {

/// A session on a database with the tables that the raw statements are measured on, made where they are
/// missing: `single`, `sequenced`, and `runs` with the numbers below kRuns.
absl::StatusOr<PostgresConnection> OpenWithTables(const std::string& url);

}  // namespace signalbox::bench

#endif  // SIGNALBOX_TESTS_BENCH_POSTGRES_TABLES_H
