#ifndef SIGNALBOX_TESTS_SUPPORT_FAKE_MESSAGE_LOG_H
#define SIGNALBOX_TESTS_SUPPORT_FAKE_MESSAGE_LOG_H

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service/domain/message_log.h"
#include "service/domain/pruning_store.h"

namespace signalbox::service {

/// The message log in memory, which can be pruned. It passes the same contract tests as the one on
/// Postgres (message_log_contract.h); beyond that, a test can make it fail. Thread-safe.
class FakeMessageLog final : public MessageLog, public PruningStore {
 public:
  explicit FakeMessageLog(std::function<absl::Time()> now, int64_t max_pending = 1000)
      : now_(std::move(now)), max_pending_(max_pending) {}

  absl::StatusOr<GroupOutcome> ApplyGroup(absl::Span<const NewMessage* const> publishes,
                                          absl::Span<const AckCall* const> acks) override;
  absl::StatusOr<Cancelled> Cancel(const MessageId& id, const std::string& reason) override;
  absl::StatusOr<std::vector<int64_t>> Expire(int limit) override;
  absl::StatusOr<RunInfo> FindRun(const RunRef& run) override;
  absl::StatusOr<PendingSnapshots> ReadSnapshots(absl::Span<const PendingRead> reads,
                                                 const ReadLimit& limit) override;
  absl::StatusOr<PendingOfKey> ReadPending(const RunRef& run, const std::string& key) override;
  absl::StatusOr<PendingPage> ListPending(const PendingQuery& query) override;
  absl::StatusOr<HistoryPage> ListHistory(const HistoryQuery& query) override;
  absl::StatusOr<std::vector<MessagePtr>> ReadMessages(const std::vector<MessageId>& ids) override;
  absl::StatusOr<RunChanges> ReadChanges(const Cursor& from, const ReadLimit& limit) override;
  absl::StatusOr<std::vector<RunHead>> ReadHeads(const std::vector<int64_t>& run_nos) override;
  absl::StatusOr<std::vector<int64_t>> FindEndedRuns(const Retention& retention, int limit) override;
  absl::StatusOr<DueRuns> FindDueRuns(const Retention& retention, int64_t after, int limit) override;
  absl::StatusOr<int64_t> Prune(int64_t run_no, const Retention& retention, const PruneLimit& limit) override;

  // What a registry does, as far as a log sees it.
  int64_t AddRun(const std::string& id, const std::string& project, int64_t rank);
  void EndRun(int64_t run_no, RunOutcome outcome);
  int64_t epoch() const;

  // Faults.
  void SetEpoch(int64_t epoch);
  void ForgetRun(int64_t run_no);
  void FailReads(absl::Status status);              ///< Every read from now on; OK ends it.
  void FailNextGroup(absl::Status status);          ///< Several are used up one after the other.
  void AbortInGroups(const std::string& key);       ///< A publish of `key` is kAborted unless alone.
  void BeforeGroup(std::function<void(int)> call);  ///< Called with the number of writes, without a lock.

  // What was asked.
  int group_count() const;
  int change_read_count() const;
  std::vector<int> snapshot_reads() const;  ///< How many runs each ReadSnapshots() asked for.
  int known_snapshots() const;              ///< How often the answer was what the reader knew.

 private:
  struct StoredRun {
    std::string id;
    std::string project;
    int64_t rank = 0;
    int64_t head_change = 0;
    std::optional<RunOutcome> ended;
    absl::Time end_time = absl::InfiniteFuture();
    Position floor;                           // of what was pruned
    std::vector<Message> messages;            // also those up to the floor, which nobody sees
    std::map<int64_t, MessageId> supersedes;  // by the newer one's sequence
    std::map<std::string, std::pair<int64_t, std::string>> by_request;  // sequence, fingerprint

    int64_t MarkOf(int64_t sequence) const {
      return sequence > floor.sequence ? messages[static_cast<size_t>(sequence - 1)].id.nonce : 0;
    }
    Position head() const {
      const auto newest = static_cast<int64_t>(messages.size());
      return {newest, head_change, MarkOf(newest)};
    }
  };

  absl::StatusOr<int64_t> Find(const RunRef& run) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Message* Stored(const MessageId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  MessagePtr Seen(const Message& message) const;
  bool IsDue(const StoredRun& run, const Message& message, const Retention& retention) const;
  bool IsPending(const Message& message) const;
  void Withdraw(StoredRun& run, Message& message, MessageState state, absl::Time finish_time);
  Appended Append(const NewMessage& draft, bool alone, GroupOutcome& outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Acked Ack(const AckCall& call, GroupOutcome& outcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  RunChanges ChangesSince(int64_t run_no, const Position& from, const ReadLimit& limit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddChanges(const std::map<int64_t, Position>& before, GroupOutcome& outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::map<int64_t, Position> Heads() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::function<absl::Time()> now_;
  const int64_t max_pending_;

  mutable absl::Mutex mu_;
  std::map<int64_t, StoredRun> runs_ ABSL_GUARDED_BY(mu_);
  int64_t last_run_no_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t epoch_ ABSL_GUARDED_BY(mu_) = 1;
  int64_t last_nonce_ ABSL_GUARDED_BY(mu_) = 1000;
  absl::Status read_failure_ ABSL_GUARDED_BY(mu_);
  std::deque<absl::Status> group_failures_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> aborted_keys_ ABSL_GUARDED_BY(mu_);
  std::function<void(int)> before_group_ ABSL_GUARDED_BY(mu_);
  int group_count_ ABSL_GUARDED_BY(mu_) = 0;
  int change_read_count_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<int> snapshot_reads_ ABSL_GUARDED_BY(mu_);
  int known_snapshots_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_SUPPORT_FAKE_MESSAGE_LOG_H
