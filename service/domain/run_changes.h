#ifndef SIGNALBOX_SERVICE_DOMAIN_RUN_CHANGES_H
#define SIGNALBOX_SERVICE_DOMAIN_RUN_CHANGES_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "service/domain/message.h"
#include "service/domain/run.h"
#include "service/domain/token.h"

namespace signalbox::service {

/// A message left PENDING.
struct Withdrawal {
  MessageId id;
  std::string key;
  MessageState state = MessageState::kUnspecified;
  std::string consumer;
  int64_t change = 0;  ///< Its place among the withdrawals of the run.
};

/// Everything that happened in one run between two positions: what one commit did, or what a reader
/// found on one snapshot. Whoever was at `from` and takes note of all of it is at `to`.
struct RunChanges {
  int64_t run_no = 0;
  int64_t epoch = 0;  ///< Of the history this happened in; see Cursor.
  Position from;
  Position to;

  /// Withdrawals of messages up to `from.sequence`, by `change`. To be told before the messages.
  std::vector<Withdrawal> withdrawals;

  /// Messages after `from.sequence` that are pending at `to`, by sequence. May hold some whose time
  /// is over and whose expiry is not written down yet.
  std::vector<std::shared_ptr<const Message>> messages;

  /// Set when the run has ended. Nothing follows.
  std::optional<RunOutcome> ended;

  /// Where the run was on the snapshot; beyond `to` when a reader's page was full.
  Position head;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_RUN_CHANGES_H
