#ifndef SIGNALBOX_SERVICE_DOMAIN_MESSAGE_LOG_H
#define SIGNALBOX_SERVICE_DOMAIN_MESSAGE_LOG_H

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/domain/memo.h"
#include "service/domain/message.h"
#include "service/domain/run_changes.h"

namespace signalbox::service {

using MessagePtr = std::shared_ptr<const Message>;

/// What became of one NewMessage of a group. kOk: `message` is the stored one, or with a known
/// request id the first one as it now is. kAborted: nothing happened, try again in a group of one.
struct Appended {
  absl::Status status;
  MessagePtr message;
  std::vector<MessageId> superseded;
};

/// What became of one AckCall of a group. kOk: the messages after the group, in the order of the ids.
struct Acked {
  absl::Status status;
  std::vector<MessagePtr> messages;
};

/// Outcomes in the order of the request, and what subscribers have to be told.
struct GroupOutcome {
  std::vector<Appended> appended;
  std::vector<Acked> acked;
  std::vector<RunChanges> changes;
  std::vector<MessageId> touched;  ///< Every message whose state changed.
};

struct Cancelled {
  MessagePtr message;
  RunChanges changes;  ///< Of `run_no` 0 when nothing changed.
};

/// How much a read returns at most. At least one row is returned if there is one.
struct ReadLimit {
  int rows = 0;
  size_t bytes = 0;
};

struct RunInfo {
  int64_t run_no = 0;
  std::string id;
  int64_t epoch = 0;  ///< Of the history the run belongs to; see Cursor.
};

struct PendingOfKey {
  MessagePtr oldest;  ///< Null when none is pending.
  int64_t count = 0;
};

/// All that is pending in a run, on one snapshot.
struct PendingSnapshot {
  RunInfo run;
  Position head;

  /// By sequence. May hold some whose time is over and whose expiry is not written down yet.
  std::vector<MessagePtr> messages;

  /// False: there is more than the limit of the read; `messages` is empty.
  bool is_whole = true;

  Memo wire;  ///< `messages` as an answer carries them; made by whoever answers.
};
using PendingSnapshotPtr = std::shared_ptr<const PendingSnapshot>;

/// Which run to read, and what an earlier read of it gave, if that is still at hand.
struct PendingRead {
  RunRef run;
  PendingSnapshotPtr known;
};

struct PendingSnapshots {
  absl::Time now;                                             ///< By the clock that decides what has expired.
  std::vector<absl::StatusOr<PendingSnapshotPtr>> snapshots;  ///< One for each read, in their order.
};

/// Which pending messages a page wants: after < sequence <= up_to.
struct PendingQuery {
  RunRef run;
  std::vector<std::string> keys;  ///< Empty: all.
  int64_t after = 0;
  int64_t up_to = 0;  ///< 0: no bound.
  ReadLimit limit;
};

struct PendingPage {
  RunInfo run;
  Position head;  ///< On the snapshot of this page.
  std::vector<MessagePtr> messages;
  bool more = false;
  PendingSnapshotPtr all_of;  ///< The snapshot whose messages these are, all of them; null when not known.
};

/// Which messages of a run's history a page wants, newest first, sequence < before.
struct HistoryQuery {
  RunRef run;
  std::vector<std::string> keys;     ///< Empty: all.
  std::vector<MessageState> states;  ///< Empty: any.
  int64_t before = 0;                ///< 0: from the newest.
  ReadLimit limit;
};

struct HistoryPage {
  RunInfo run;
  std::vector<MessagePtr> messages;
  bool more = false;
};

/// Where a run is, to be compared with what its subscribers know.
struct RunHead {
  int64_t run_no = 0;
  int64_t epoch = 0;
  Position head;
  bool ended = false;
};

/// The durable log of every run's messages.
///
/// Thread-safe; calls block, none throws. Errors of every call: kUnavailable, not known to have
/// happened, try again; kAborted, did not happen because somebody else was in the way; kNotFound, no
/// such run or message; kInternal, a defect.
///
/// After a write returned, every read begun later shows it. A read that shows one message of a run
/// shows all before it: see migrations/README.md for why.
class MessageLog {
 public:
  virtual ~MessageLog() = default;

  /// Commits publishes and acks in one transaction, each with an outcome of its own. No two
  /// publishes may carry the same run and request id, no two acks the same message. An error means
  /// that nothing of the group is known to have happened.
  virtual absl::StatusOr<GroupOutcome> ApplyGroup(absl::Span<const NewMessage* const> publishes,
                                                  absl::Span<const AckCall* const> acks) = 0;

  /// kFailedPrecondition names the state of a message that is not pending.
  virtual absl::StatusOr<Cancelled> Cancel(const MessageId& id, const std::string& reason) = 0;

  /// Writes down that messages have expired, for at most `limit` of them; returns their runs.
  virtual absl::StatusOr<std::vector<int64_t>> Expire(int limit) = 0;

  virtual absl::StatusOr<RunInfo> FindRun(const RunRef& run) = 0;
  /// Reads several runs, each on a snapshot of its own. Where a run is as `known` shows it, that is
  /// the answer, and its messages are not read again. kNotFound as the status of one: no such run.
  virtual absl::StatusOr<PendingSnapshots> ReadSnapshots(absl::Span<const PendingRead> reads,
                                                         const ReadLimit& limit) = 0;

  virtual absl::StatusOr<PendingOfKey> ReadPending(const RunRef& run, const std::string& key) = 0;
  virtual absl::StatusOr<PendingPage> ListPending(const PendingQuery& query) = 0;
  virtual absl::StatusOr<HistoryPage> ListHistory(const HistoryQuery& query) = 0;

  /// Messages as they now are, in no order; unknown ids are left out.
  virtual absl::StatusOr<std::vector<MessagePtr>> ReadMessages(const std::vector<MessageId>& ids) = 0;

  /// What happened in a run since `from` (epoch, run and position), on one snapshot. kOutOfRange:
  /// `from` is before what was pruned, beyond the head, or of another epoch.
  virtual absl::StatusOr<RunChanges> ReadChanges(const Cursor& from, const ReadLimit& limit) = 0;

  /// Heads of the runs that exist, in no order.
  virtual absl::StatusOr<std::vector<RunHead>> ReadHeads(const std::vector<int64_t>& run_nos) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_DOMAIN_MESSAGE_LOG_H
