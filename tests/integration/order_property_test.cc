#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/integration/postgres_storage.h"
#include "tests/support/temp_database.h"

// The order of a run under concurrency: three replicas write, one reads, and whatever anybody is
// shown fits together. Each seed is another interleaving.

namespace signalbox::service {
namespace {

constexpr int kReplicas = 3;
constexpr int kGroups = 25;
constexpr int kRequestIds = 60;
constexpr ReadLimit kEverything = {.rows = 100000, .bytes = 64 << 20};

class OrderProperty : public testing::TestWithParam<unsigned> {
 protected:
  OrderProperty() {
    PostgresStorage storage(Patient(), 100000);
    EXPECT_TRUE(storage.runs().Create({.project = "p", .id = "run-a"}).ok());
    run_ = *storage.log().FindRun({.id = "run-a"});
  }

  void Write(unsigned seed) {
    std::mt19937 random(seed);
    PostgresStorage storage(Patient(), 100000);
    for (int group = 0; group < kGroups; ++group) {
      std::map<std::string, NewMessage> drafts;  // a request id goes into a group once
      for (unsigned i = random() % 6 + 1; i > 0; --i) {
        NewMessage draft = {.run = {.id = "run-a"}, .key = absl::StrCat("k", random() % 3), .value = "v"};
        if (random() % 2 == 0) draft.run = {.project = "p", .rank = 1};
        draft.kind = random() % 2 == 0 ? Kind::kSetting : Kind::kCommand;
        draft.request_id = absl::StrCat("r", random() % kRequestIds);
        draft.fingerprint = "same";
        drafts[draft.request_id] = draft;
      }
      Commit(storage, drafts, random);
    }
  }

  void Commit(PostgresStorage& storage, const std::map<std::string, NewMessage>& drafts,
              std::mt19937& random) {
    std::vector<const NewMessage*> publishes;
    publishes.reserve(drafts.size());
    for (const auto& [request_id, draft] : drafts) publishes.push_back(&draft);
    AckCall call = {.consumer = "w"};
    {
      absl::MutexLock lock(&mu_);
      if (!ids_.empty()) call.ids.push_back(ids_[random() % ids_.size()]);
    }
    std::vector<const AckCall*> acks;
    if (!call.ids.empty()) acks.push_back(&call);
    const int64_t returned_before = newest_returned_;
    const absl::StatusOr<GroupOutcome> outcome = storage.log().ApplyGroup(publishes, acks);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    absl::MutexLock lock(&mu_);
    for (size_t i = 0; i < publishes.size(); ++i) {
      const Appended& appended = outcome->appended[i];
      ASSERT_TRUE(appended.status.ok()) << appended.status;
      const int64_t sequence = appended.message->id.sequence;
      const auto [first, is_new] = by_request_.try_emplace(publishes[i]->request_id, sequence);
      EXPECT_EQ(first->second, sequence) << "one message for each request id";
      const bool stored_now =
          appended.message->create_time != absl::InfiniteFuture() && stored_.insert(sequence).second;
      if (stored_now) ids_.push_back(appended.message->id);
      superseded_[sequence].insert(appended.superseded.size());
    }
    for (const RunChanges& changes : outcome->changes) {
      const bool has_published = changes.to.sequence > changes.from.sequence;
      EXPECT_TRUE(!has_published || changes.from.sequence >= returned_before)
          << "what was answered before the call comes before it";
      newest_returned_ = std::max<int64_t>(newest_returned_, changes.to.sequence);
    }
  }

  // Follows the run by small pages, and looks at its whole history in between.
  void Read(unsigned seed, const std::atomic<bool>& done) {
    std::mt19937 random(seed);
    PostgresStorage storage(Patient(), 100000);
    Position at;
    for (bool last = false; !last;) {
      last = done;
      const ReadLimit page = {.rows = static_cast<int>(random() % 5) + 1, .bytes = 1 << 20};
      const absl::StatusOr<RunChanges> changes =
          storage.log().ReadChanges({run_.epoch, run_.run_no, at}, page);
      ASSERT_TRUE(changes.ok()) << changes.status();
      Follow(*changes);
      at = changes->to;
      last = last && at == changes->head;
      const int64_t known = newest_returned_;
      const absl::StatusOr<HistoryPage> history =
          storage.log().ListHistory({.run = {.id = "run-a"}, .limit = kEverything});
      ASSERT_TRUE(history.ok()) << history.status();
      auto expected = static_cast<int64_t>(history->messages.size());
      ASSERT_GE(expected, known) << "a read shows everything that was answered before it";
      for (const MessagePtr& message : history->messages)
        ASSERT_EQ(message->id.sequence, expected--) << "a gap";
    }
  }

  void Follow(const RunChanges& changes) {
    for (const Withdrawal& withdrawal : changes.withdrawals) {
      EXPECT_GT(withdrawal.change, last_change_) << "withdrawals come in order, each once";
      last_change_ = withdrawal.change;
      pending_.erase(withdrawal.id.sequence);
    }
    for (const MessagePtr& message : changes.messages) {
      EXPECT_GT(message->id.sequence, last_sequence_);
      last_sequence_ = message->id.sequence;
      pending_.insert(last_sequence_);
    }
  }

  // Somebody who waits for the others on a slow disk is no failure of the order.
  ConnectionOptions Patient() const {
    ConnectionOptions options = database_.Options();
    options.lock_timeout = absl::Seconds(60);
    options.statement_timeout = absl::Seconds(60);
    return options;
  }

  TempDatabase database_;
  RunInfo run_;
  std::atomic<int64_t> newest_returned_ = 0;

  // Of the reader.
  int64_t last_change_ = 0;
  int64_t last_sequence_ = 0;
  std::set<int64_t> pending_;

  absl::Mutex mu_;
  std::vector<MessageId> ids_ ABSL_GUARDED_BY(mu_);
  std::set<int64_t> stored_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> by_request_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, std::set<size_t>> superseded_ ABSL_GUARDED_BY(mu_);
};

TEST_P(OrderProperty, HoldsWhoeverWritesAndReads) {
  std::atomic<bool> done = false;
  std::thread reader([&] { Read(GetParam(), done); });
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < kReplicas; ++i) writers.emplace_back([this, i] { Write(GetParam() * 10 + i); });
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();

  absl::MutexLock lock(&mu_);
  int64_t expected = 0;
  for (int64_t sequence : stored_) EXPECT_EQ(sequence, ++expected) << "dense";
  EXPECT_EQ(by_request_.size(), stored_.size()) << "one message for each request id";
  for (const auto& [sequence, counts] : superseded_)
    EXPECT_EQ(counts.size(), 1U) << "a repeat names the same";
  PostgresStorage storage(Patient(), 100000);
  const absl::StatusOr<PendingPage> page =
      storage.log().ListPending({.run = {.id = "run-a"}, .limit = kEverything});
  ASSERT_TRUE(page.ok());
  std::set<int64_t> pending;
  for (const MessagePtr& message : page->messages) pending.insert(message->id.sequence);
  EXPECT_EQ(pending_, pending) << "who followed the run knows what is pending";
  EXPECT_EQ(database_.Query("SELECT count(*) = max(change) FROM signalbox.messages WHERE change IS NOT NULL"),
            "t");
}

INSTANTIATE_TEST_SUITE_P(Seeds, OrderProperty, testing::Range(1U, 5U));

}  // namespace
}  // namespace signalbox::service
