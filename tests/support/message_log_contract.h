#ifndef SIGNALBOX_TESTS_SUPPORT_MESSAGE_LOG_CONTRACT_H
#define SIGNALBOX_TESTS_SUPPORT_MESSAGE_LOG_CONTRACT_H

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "service/domain/message_log.h"
#include "service/domain/pruning_store.h"

// What every MessageLog promises, as tests that run on the fake and on Postgres. A binary links
// message_log_*_contract.cc and instantiates the suite with its own log:
//   INSTANTIATE_TEST_SUITE_P(Fake, MessageLogContract, testing::Values(MakeLog(...)));

namespace signalbox::service {

/// A log, empty at first, that can be pruned, and what the tests need besides.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual MessageLog& log() = 0;
  virtual PruningStore& pruning() = 0;

  /// Ranks are given in order: 1, 2, 3, …
  virtual int64_t AddRun(const std::string& id, const std::string& project, int64_t rank) = 0;
  virtual void EndRun(int64_t run_no, RunOutcome outcome) = 0;
  virtual int64_t epoch() = 0;

  /// Until a ttl of kShortTtl is over.
  virtual void LetShortTtlPass() = 0;
};

using MakeLog = std::function<std::unique_ptr<LogUnderTest>()>;

inline constexpr int64_t kContractMaxPending = 10;
inline constexpr absl::Duration kShortTtl = absl::Milliseconds(1);
inline constexpr ReadLimit kLargePage = {.rows = 1000, .bytes = 1 << 20};
inline constexpr Retention kAll = {.ended_runs = kShortTtl, .finished_messages = kShortTtl};
inline constexpr PruneLimit kLargeBatch = {.rows = 1000, .bytes = 1 << 20};

class MessageLogContract : public testing::TestWithParam<MakeLog> {
 protected:
  MessageLogContract();

  MessageLog& log() { return under_test_->log(); }
  PruningStore& pruning() { return under_test_->pruning(); }

  static NewMessage Draft(const std::string& run_id, const std::string& key, const std::string& value = "v");
  static NewMessage SettingDraft(const std::string& run_id, const std::string& key);
  static NewMessage ShortLived(NewMessage draft);
  static AckCall Call(std::vector<MessageId> ids, const std::string& consumer,
                      AckOutcome outcome = AckOutcome::kUnspecified);

  /// Applies a group; what it says is kAborted is tried alone, as callers must.
  GroupOutcome Apply(const std::vector<NewMessage>& drafts, const std::vector<AckCall>& calls = {});
  Appended Publish(const NewMessage& draft);
  MessageId PublishedId(const NewMessage& draft) { return Publish(draft).message->id; }
  Acked Ack(const AckCall& call);
  std::vector<int64_t> Pending(const std::string& run_id);
  MessagePtr Read(const MessageId& id);
  RunChanges Changes(const Position& from, const ReadLimit& limit = kLargePage);
  absl::StatusCode CodeAt(const Position& from);  ///< Of reading the changes since then.

  // Of run "run-a".
  std::vector<MessageId> PublishSome(int count, const std::string& value = "v");
  std::vector<int64_t> Kept();  ///< Newest first.
  int64_t Prune(const Retention& retention = kAll, const PruneLimit& limit = kLargeBatch);

  std::unique_ptr<LogUnderTest> under_test_;
  int64_t run_no_ = 0;  // of run "run-a", rank 1 of project "p"
};

std::vector<int64_t> SequencesOf(const std::vector<MessagePtr>& messages);

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_SUPPORT_MESSAGE_LOG_CONTRACT_H
