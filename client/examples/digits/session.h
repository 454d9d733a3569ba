#ifndef DIGITS_SESSION_H
#define DIGITS_SESSION_H

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "examples/digits/options.h"
#include "examples/digits/steering.h"
#include "signalbox/client.h"

namespace digits {

/// The job's connection to Signalbox: which run it is, and the inbox of that run. Used by the
/// training thread only.
class Session {
 public:
  /// Finds or creates the run and opens its inbox, which connects in the background and waits for a
  /// server as long as the job lives. Waits at most 2 s, so that messages published before the start
  /// are applied before the first step. `steering` must outlive it.
  ///
  /// An error means that this job cannot be steered; train on without a session.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const Options& options, Steering& steering);

  /// Runs the handlers of what came in since; returns at once when nothing did.
  void Dispatch(int64_t step) { inbox_->Dispatch(step); }

  /// Closes the inbox, and ends the run if it was created here or if `stopped` by a message. At most
  /// about 5 s.
  void End(signalbox::RunOutcome outcome, bool stopped);

 private:
  Session() = default;

  std::unique_ptr<signalbox::Client> client_;
  std::unique_ptr<signalbox::Inbox> inbox_;
  signalbox::RunRef run_;
  bool created_ = false;
};

}  // namespace digits

#endif  // DIGITS_SESSION_H
