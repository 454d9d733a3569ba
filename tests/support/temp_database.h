#ifndef SIGNALBOX_TESTS_SUPPORT_TEMP_DATABASE_H
#define SIGNALBOX_TESTS_SUPPORT_TEMP_DATABASE_H

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "service/postgres/connection_pool.h"

namespace signalbox::service {

/// A database of its own for a test, in a private cluster that the test binary starts when it first
/// needs one and stops at its end.
class TempDatabase {
 public:
  enum class Schema { kNone, kCurrent };

  explicit TempDatabase(Schema schema = Schema::kCurrent);
  ~TempDatabase();
  TempDatabase(const TempDatabase&) = delete;
  TempDatabase& operator=(const TempDatabase&) = delete;

  /// For sessions that are told from others by `application_name`.
  ConnectionOptions Options(const std::string& application_name = "test") const;

  /// Runs SQL on a session of its own and returns the first field of the first row; throws on errors.
  std::string Query(const std::string& sql) const;

  /// Puts a copy in its place, as a restore does: ends all sessions, and whoever looks sees another database.
  void Replace() const;

  /// Ends the sessions of `application_name`, as an administrator would; returns how many there were.
  int Terminate(const std::string& application_name) const;

 private:
  const std::string name_;
};

/// Whether `holds` becomes true within `limit`; asks again and again.
bool Eventually(const std::function<bool()>& holds, absl::Duration limit = absl::Seconds(20));

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_SUPPORT_TEMP_DATABASE_H
